"""Scenario discovery: boxes of conditions under which something holds; no knowledge of the model."""
