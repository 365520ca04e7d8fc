"""Networks, tabular models, and the study's published checkpoints."""

from acsbench.models.published import load_published
from acsbench.models.registry import create_model, list_models

__all__ = ["create_model", "list_models", "load_published"]
