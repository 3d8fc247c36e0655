"""REST routes of the area `admin`."""
