"""What comes out: outcomes per run, ensembles of paired runs, differences, and why."""
