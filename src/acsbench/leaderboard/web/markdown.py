"""The organiser's texts as HTML."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

ALIGNMENT = "text-align:"


def to_html(text: str) -> Markup:
    r"""Markdown as HTML; HTML in it is shown, not obeyed, and links to scripts stay text.

    >>> to_html("**Rules** <script>")
    Markup('<p><strong>Rules</strong> &lt;script&gt;</p>\n')
    """
    parser = MarkdownIt("js-default")
    tokens = parser.parse(text)
    for token in tokens:
        # The pages allow no style in an element; the style sheet has a class for each alignment.
        style = str(token.attrs.pop("style", ""))
        if style.startswith(ALIGNMENT):
            token.attrs["class"] = style.removeprefix(ALIGNMENT)
    return Markup(parser.renderer.render(tokens, parser.options, {}))
