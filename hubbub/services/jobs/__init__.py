"""The job queue in the database, and the removal of expired rows."""
