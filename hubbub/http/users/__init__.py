"""REST routes of the area `users`."""
