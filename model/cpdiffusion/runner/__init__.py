"""Execution: stretches of replicates on several threads, and result folders that are whole."""
