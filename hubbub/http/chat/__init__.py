"""REST routes of the area `chat`."""
