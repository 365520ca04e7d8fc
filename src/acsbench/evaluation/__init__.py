"""Predictions and a cohort become tables, figures and one HTML report."""

from acsbench.evaluation.analysis import Settings
from acsbench.evaluation.cohort import EvaluationCohort, ModelPredictions
from acsbench.evaluation.predictions import read_predictions
from acsbench.evaluation.report import Evaluation, evaluate

__all__ = [
    "Evaluation",
    "EvaluationCohort",
    "ModelPredictions",
    "Settings",
    "evaluate",
    "read_predictions",
]
