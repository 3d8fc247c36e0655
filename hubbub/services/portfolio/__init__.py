"""Portfolios: items of all resources, their order, their slugs and what they show."""
