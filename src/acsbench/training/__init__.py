"""Models are trained on prepared ECGs, and predict."""
