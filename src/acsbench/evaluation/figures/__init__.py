"""Figures of a report, drawn for print; each takes numbers and computes none."""
