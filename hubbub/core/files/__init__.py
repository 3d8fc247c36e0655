"""Files of users: names, types, structure and images, without the chat."""
