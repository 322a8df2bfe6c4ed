"""Firms, the ties between them, and the regions they are in."""
