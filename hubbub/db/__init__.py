"""Database access: connection, engines, SQL, locks, errors and migrations."""
