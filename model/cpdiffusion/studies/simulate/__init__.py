"""``study=simulate``: one run, firm by firm."""
