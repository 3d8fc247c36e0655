"""In-memory state of one instance, and its registration in the database."""
