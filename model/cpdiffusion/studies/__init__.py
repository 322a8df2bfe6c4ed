"""Studies: questions asked of the model, each a function from settings to a result."""
