"""Leaving any time: a board as the folder or bundle that another engine wants."""
