"""The wire: commands that are read, views that are shown."""
