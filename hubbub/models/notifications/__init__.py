"""Inboxes of notifications, announcements, and decisions about delivery."""
