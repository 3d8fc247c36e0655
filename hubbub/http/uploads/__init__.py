"""Routes of uploads, and the files themselves."""
