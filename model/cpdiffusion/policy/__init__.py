"""Policies: the levers a planner sets, the design they mean, and the programme that spends."""
