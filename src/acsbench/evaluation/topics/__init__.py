"""The topics of a report, a module each: from an analysis to a section, in order."""

from __future__ import annotations

from collections.abc import Callable

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.section import Section
from acsbench.evaluation.topics.beside_signs import beside_signs
from acsbench.evaluation.topics.calibration import calibration
from acsbench.evaluation.topics.decisions import decisions
from acsbench.evaluation.topics.discrimination import discrimination
from acsbench.evaluation.topics.event_rates import event_rates
from acsbench.evaluation.topics.operating_points import operating_points
from acsbench.evaluation.topics.population import population
from acsbench.evaluation.topics.selection import selection
from acsbench.evaluation.topics.subgroups import subgroups

Topic = Callable[[Analysis], Section | None]

TOPICS: tuple[Topic, ...] = (
    discrimination,
    event_rates,
    operating_points,
    beside_signs,
    calibration,
    decisions,
    subgroups,
    selection,
)
"""After `population`, which is told even of too few patients."""

__all__ = ["TOPICS", "Topic", "population"]
