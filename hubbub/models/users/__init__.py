"""Users and preferences."""
