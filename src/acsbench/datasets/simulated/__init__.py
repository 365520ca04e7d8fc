"""Simulated ECGs: a moving dipole, diseases that bend it, people who carry them.

The parameters were tuned until pages looked plausible and the disease was as hard to find as
wished. They were fitted to no patient, and what a model reaches here says nothing about
patients.
"""
