"""``study=portfolio``: which instruments to add under a budget."""
