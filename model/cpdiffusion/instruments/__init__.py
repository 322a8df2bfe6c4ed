"""Policy instruments: what each contributes to which firms, and when. None changes a firm."""
