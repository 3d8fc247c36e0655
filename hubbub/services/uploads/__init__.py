"""Uploads: receive, check, store, list, serve and remove files of users."""
