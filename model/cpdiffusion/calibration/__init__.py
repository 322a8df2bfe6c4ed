"""Fitted to Table 4 and checked on rows not seen: the return model, rivals, scores and splits."""
