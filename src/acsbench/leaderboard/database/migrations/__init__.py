"""Alembic's migrations of the board's database."""
