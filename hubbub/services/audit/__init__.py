"""The audit log: records what matters to security, with its outcome."""
