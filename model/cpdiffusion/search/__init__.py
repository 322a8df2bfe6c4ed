"""Search for policies that are good in several aims at once, whatever is searched."""
