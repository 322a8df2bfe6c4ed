"""What the sources say: Table 4 as data, the audit of its figures, the moments drawn from it.

``table4`` reads the region-years, ``audit`` compares every printed figure with the rows behind it,
``moments`` estimates the distribution of returns. Import from the modules themselves, for example
``from cpdiffusion.evidence.table4 import table4``: re-exporting the functions here would hide the
modules of the same names.
"""
