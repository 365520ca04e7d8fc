"""Recipes: a whole study, from a folder of ECGs to the report, in one YAML file."""
