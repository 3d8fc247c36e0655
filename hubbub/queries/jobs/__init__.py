"""The table of the jobs."""
