"""Users, profiles, preferences and presence."""
