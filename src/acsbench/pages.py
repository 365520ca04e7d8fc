"""HTML pages that need nothing else: one style sheet, pictures inside."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def page_environment(package: str) -> Environment:
    """Templates of a package, and the style sheet `page.css` that all pages share.

    Whatever comes from data or files is escaped, and a name that is not given is an error.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("acsbench")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def inline_svg(text: str, label: str, prefix: str = "") -> Markup:
    """An SVG file as a part of a page, without its prolog and with a label for screen readers.

    Args:
        text: the file, a figure of our own: matplotlib has escaped the names in it.
        label: what it shows.
        prefix: put before the ids in it, so that several figures of a page do not share any.
    """
    _, _, body = text.partition("<svg")
    if prefix:
        for reference in ('id="', 'href="#', "url(#"):
            body = body.replace(reference, f"{reference}{prefix}-")
    return Markup('<svg role="img" aria-label="{}"').format(label) + Markup(body)
