"""SQL of the running instance: processes and times of the last use."""
