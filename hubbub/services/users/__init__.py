"""Users: lookup, profiles, preferences and validation of their fields."""
