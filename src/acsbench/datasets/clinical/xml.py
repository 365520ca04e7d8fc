"""XML files in any encoding, without entities."""

from __future__ import annotations

import codecs
import re
import warnings
from xml.etree import ElementTree

from acsbench.errors import DataError

_DECLARATION = re.compile(r"^\s*<\?xml\b[^>]*?\?>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']\s*([\w.:-]{1,40})\s*["']""")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte-order marks; they have priority over the declared encoding."""

_WIDE = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""First bytes of a file without a mark, with characters of two or four bytes."""

_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "cp950",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""Declared encodings for which Windows programs write a larger set of characters."""


def xml_text(content: bytes) -> str | None:
    """The text of an XML file, without its declaration.

    Declarations are often wrong. The encoding follows from the byte-order mark or the width of the
    first characters, else it is UTF-8 if the bytes are valid, else the declared one, else Latin-1
    with a warning. A short Chinese name may be misread as UTF-8, which does not matter: only units
    need more than ASCII.

    Args:
        content: the bytes of the file.

    Returns:
        The text, or None if the file is not XML.
    """
    mark, encoding = next((pair for pair in _MARKS if content.startswith(pair[0])), (b"", ""))
    content = content[len(mark) :]
    if not mark:
        start = content.lstrip(b" \t\r\n")[:4]
        encoding = next((name for first, name in _WIDE if start.startswith(first)), "")
    if encoding.startswith("utf-") and encoding != "utf-8":
        # A file that ends within a character is reported later: it is not well-formed.
        text = content.decode(encoding, errors="replace").lstrip()
        return _DECLARATION.sub("", text, count=1) if text.startswith("<") else None
    content = content.lstrip()
    if not content.startswith(b"<"):
        return None
    match = _DECLARATION.match(content[:1000].decode("latin-1"))
    head = match.group() if match else "<"
    declared = _ENCODING.search(head)
    name = declared.group(1) if declared else "utf-8"
    # An escape character switches to another encoding, and is not allowed in XML.
    for candidate in (name,) if b"\x1b" in content else ("utf-8", name):
        text = _decoded(content, candidate)
        if text.startswith(head):
            return text[match.end() :] if match else text
    warnings.warn(
        f"an XML file declares the encoding {name}, but has other bytes; it is read as Latin-1. "
        "Names and remarks may be wrong, samples are not affected",
        UserWarning,
        stacklevel=2,
    )
    return content.decode("latin-1")[len(head) if match else 0 :]


def _decoded(content: bytes, encoding: str) -> str:
    """The text, empty if the encoding is unknown or does not match the bytes."""
    try:
        name = codecs.lookup(encoding).name
        return content.decode(_SUPERSETS.get(name, name))
    except (LookupError, ValueError):
        return ""


def xml_root(text: str) -> ElementTree.Element:
    """The root element of an XML text, without namespaces.

    Args:
        text: as from `xml_text`.

    Raises:
        DataError: the text declares entities, or is not well-formed.
    """
    if "<!ENTITY" in text:
        raise DataError(
            "it declares XML entities, which attacks use and ECGs do not need",
            fix="Remove the entities, or export the ECG again",
        )
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(
            f"its XML is not well-formed: {error}",
            fix="The file is truncated or damaged: copy or export it again",
        ) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if any("}" in name for name in element.attrib):
            element.attrib = {
                name.rpartition("}")[2]: value for name, value in element.attrib.items()
            }
    return root
