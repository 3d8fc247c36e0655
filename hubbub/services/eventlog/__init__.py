"""The logs of the rooms: appending, reading, batched writing, and the epoch of the database."""
