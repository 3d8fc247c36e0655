"""Public portfolios and pages, without a login."""
