"""``study=sweep``: scenarios at many points, every run kept."""
