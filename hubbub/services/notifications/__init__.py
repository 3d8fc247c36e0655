"""Notifications: the inbox of each user, announcements, and delivery by channels."""
