"""Self-supervised pre-training of HuBERT-ECG: describe, cluster, predict masked frames."""
