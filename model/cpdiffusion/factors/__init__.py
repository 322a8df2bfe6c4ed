"""Factors and designs: which settings vary, over what, and at which points together."""
