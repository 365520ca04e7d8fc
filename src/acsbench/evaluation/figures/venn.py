"""Three overlapping sets as circles with a count in each region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from acsbench.evaluation.figures.frame import PAGE, SOFT, Layout, Marks, framed, short
from acsbench.pictures import PRINT_STYLE

Region = tuple[bool, bool, bool]

_CENTRES = ((-0.5, 0.36), (0.5, 0.36), (0.0, -0.5))
_RADIUS = 0.92
_NAMES = ((-1.0, 1.34), (1.0, 1.34), (0.0, -1.56))
_PLACES: Mapping[Region, tuple[float, float]] = {
    (True, False, False): (-0.88, 0.62),
    (False, True, False): (0.88, 0.62),
    (False, False, True): (0.0, -1.02),
    (True, True, False): (0.0, 0.82),
    (True, False, True): (-0.54, -0.24),
    (False, True, True): (0.54, -0.24),
    (True, True, True): (0.0, 0.1),
    (False, False, False): (1.3, -1.32),
}


def venn_figure(
    panels: Mapping[str, Mapping[Region, str]],
    names: Sequence[str],
    colours: Sequence[str],
    marks: Marks,
) -> Figure:
    """Draw three sets, once for each group of ECGs; areas do not stand for numbers.

    Args:
        panels: by what is counted: the text of each region, by whether it lies in each set.
        names: of the three sets.
        colours: of the three sets.
        marks: title and note.

    Returns:
        A figure of 174 mm width.
    """
    side = 2.9
    layout = Layout(PAGE, (side, side), 1, len(panels), left=0.4, gap=(0.4, 0.5), below=0.16)
    figure, axes = framed(layout, marks)
    with mpl.rc_context(PRINT_STYLE):
        for place, (title, regions) in zip(axes, panels.items(), strict=True):
            place.set(xlim=(-1.75, 1.75), ylim=(-1.75, 1.75), aspect="equal")
            place.axis("off")
            place.text(-1.7, 1.68, title, fontsize=7.5, va="center")
            _draw(place, regions, names, colours)
    return figure


def _draw(
    axes: Axes, regions: Mapping[Region, str], names: Sequence[str], colours: Sequence[str]
) -> None:
    for centre, colour in zip(_CENTRES, colours, strict=True):
        axes.add_patch(Circle(centre, _RADIUS, facecolor=colour, alpha=0.14, linewidth=0))
        axes.add_patch(Circle(centre, _RADIUS, fill=False, edgecolor=colour, linewidth=1.1))
    for place, name, colour in zip(_NAMES, names, colours, strict=True):
        axes.text(*place, short(name, 24), ha="center", va="center", color=colour, weight="bold")
    for region, text in regions.items():
        outside = not any(region)
        axes.text(
            *_PLACES[region],
            f"none of them: {text}" if outside else text,
            ha="center",
            va="center",
            fontsize=7 if outside else 8,
            color=SOFT if outside else "black",
        )
