"""Portfolios: one description per resource, from which everything else follows."""
