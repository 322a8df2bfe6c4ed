"""``study=allocate``: who should get the budget."""
