"""Simulated ECGs: a moving dipole, diseases that bend it, people who carry them.

The parameters were tuned until pages looked plausible and the disease was hard to find. They were
not fitted to patients, and a model's performance here says nothing about real patients.
"""
