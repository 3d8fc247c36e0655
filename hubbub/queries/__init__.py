"""Handwritten SQL, grouped by the areas of `services/`."""
