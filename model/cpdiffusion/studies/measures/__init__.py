"""``study=measures``: how a diffusion that was observed went."""
