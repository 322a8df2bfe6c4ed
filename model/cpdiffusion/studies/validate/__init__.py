"""``study=validate``: how well returns not seen are predicted."""
