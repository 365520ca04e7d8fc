"""acsbench: acute coronary syndrome in the ECG, from files on disk to a report."""

__version__ = "0.1.0"
