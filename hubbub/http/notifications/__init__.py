"""Routes of the inbox, of unsubscribing, and of announcements."""
