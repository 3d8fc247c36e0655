"""Measurements of hubbub and its peers; not part of the package."""
