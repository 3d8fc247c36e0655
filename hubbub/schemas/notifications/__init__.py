"""Wire types of the inbox, announcements and delivery."""
