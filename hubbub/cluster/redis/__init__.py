"""What several instances share, in Redis: it may forget everything at any moment."""
