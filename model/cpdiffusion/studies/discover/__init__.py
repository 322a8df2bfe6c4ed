"""``study=discover``: under which conditions the answer turns."""
