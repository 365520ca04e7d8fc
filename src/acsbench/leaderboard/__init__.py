"""The leaderboard: uploads checked, scored against hidden labels, ranked and kept."""

from acsbench.leaderboard.check import Check, check_submission, check_upload
from acsbench.leaderboard.score import score_submission

__all__ = ["Check", "check_submission", "check_upload", "score_submission"]
