"""The engine timed against the same model written with plain Mesa objects."""
