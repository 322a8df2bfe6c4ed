"""The rule, as small pure functions: learning, the decision, returns."""
