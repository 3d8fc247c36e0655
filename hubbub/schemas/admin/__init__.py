"""Administration: users, rooms, instances, audit log."""
