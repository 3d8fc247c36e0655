"""Commands and views of uploads."""
