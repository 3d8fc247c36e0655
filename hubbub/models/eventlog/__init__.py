"""The log of rooms."""
