"""Sample data for development and load tests."""
