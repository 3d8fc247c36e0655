"""SQL of inboxes, announcements and decisions."""
