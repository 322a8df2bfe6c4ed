"""Every number of the model, entered once: value, unit, range, source and status."""
