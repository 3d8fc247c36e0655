"""What knows nothing of chat: errors, ids, the clock, limits, tasks, tokens."""
