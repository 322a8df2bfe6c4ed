"""``study=optimise``: policies that no other beats."""
