"""Recordings become arrays on disk."""
