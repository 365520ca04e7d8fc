"""Figures for print: the same typeface whatever the user's style, the same bytes each time."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from acsbench import __version__

PNG_DPI = 300

PRINT_STYLE: dict[Any, Any] = {
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 8,
    "path.simplify": False,
    "path.sketch": None,
    "path.effects": [],
    "savefig.bbox": "standard",
    "savefig.transparent": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "acsbench",
    "text.parse_math": False,  # a model may have a dollar sign in its name
    "text.usetex": False,
}


def figure_bytes(figure: Figure, kind: Literal["svg", "png"], title: str) -> bytes:
    """A figure as SVG, or as PNG of 300 dpi; the same bytes each time.

    Args:
        figure: drawn in `PRINT_STYLE`.
        kind: of file.
        title: kept in the file's metadata, with the version.
    """
    author = {"svg": {"Creator": f"acsbench {__version__}", "Date": None}}
    metadata = author.get(kind, {"Software": f"acsbench {__version__}"}) | {"Title": title}
    buffer = BytesIO()
    with mpl.rc_context(PRINT_STYLE):
        figure.savefig(buffer, format=kind, dpi=PNG_DPI, facecolor="white", metadata=metadata)
    content = buffer.getvalue()
    if kind == "svg":
        # Three decimals of a point are less than half a micrometre.
        content = re.sub(rb"-?\d+\.\d{4,}", lambda number: b"%.3f" % float(number.group()), content)
    return content
