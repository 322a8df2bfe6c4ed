"""``study=recover``: whether planted parameters are found again."""
