"""Administration: users, rooms, admins, instances and the audit log."""
