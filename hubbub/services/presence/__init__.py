"""Online state of users: visibility, and publishing of changes."""
