"""Maintenance of stored data from the command line."""
