"""``study=compare``: scenarios against a baseline."""
