"""REST routes of the area `accounts`."""
