"""``study=calibrate``: which parameters fit the evidence."""
