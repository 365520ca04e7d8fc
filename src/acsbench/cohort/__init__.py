"""Tables become eligible ECGs, labels and splits."""
