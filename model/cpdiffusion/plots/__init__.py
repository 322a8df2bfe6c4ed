"""Figures: one family per file. A function takes an Axes and data, draws, and returns the Axes."""
