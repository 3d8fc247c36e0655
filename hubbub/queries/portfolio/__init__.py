"""SQL of portfolios, generated once per resource from its description."""
