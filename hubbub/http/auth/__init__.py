"""REST routes of the area `auth`."""
