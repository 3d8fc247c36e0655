"""E-mail: templates, one-time tokens, and the jobs that send it."""
