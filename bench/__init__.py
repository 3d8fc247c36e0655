"""Measuring hubbub beside its peers; nothing here is shipped."""
