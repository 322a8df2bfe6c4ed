"""Relative efficiency (data envelopment analysis): who turns the same inputs into more, beside whom."""
