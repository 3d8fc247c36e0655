"""The namespace /notifications: the inbox of each user."""
