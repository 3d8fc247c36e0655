"""Tables of portfolios."""
