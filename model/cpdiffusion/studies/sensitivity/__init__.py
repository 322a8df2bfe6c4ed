"""``study=sensitivity``: what the answer depends on."""
