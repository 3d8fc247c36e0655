"""Code that is independent of chat: errors, ids, clock, tasks, tokens, logs, metrics."""
