from __future__ import annotations

import codecs
import warnings

import pytest

from acsbench.datasets.clinical.xml import xml_root, xml_text
from acsbench.errors import DataError


def document(declaration: str, name: str = "Doe") -> str:
    return f"{declaration}<RestingECG><Name>{name}</Name><Unit>µV</Unit></RestingECG>"


def declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n'


@pytest.mark.parametrize(
    ("encoding", "codec", "name"),
    [
        ("GB2312", "gb2312", "王小明"),
        ("GB2312", "gbk", "喆镕"),  # characters that GBK added
        ("gbk", "gbk", "王小明"),
        ("GB18030", "gb18030", "𠀀王"),
        ("Big5", "big5", "陳小明"),
        ("Big5", "cp950", "碁銹"),
        ("Shift_JIS", "shift_jis", "山田ソ"),  # ソ ends with the byte of a backslash
        ("Shift_JIS", "cp932", "髙﨑"),
        ("EUC-JP", "euc_jp", "山田"),
        ("ISO-2022-JP", "iso2022_jp", "山田"),
        ("EUC-KR", "euc_kr", "김철수"),
        ("EUC-KR", "cp949", "똠방"),
        ("ks_c_5601-1987", "cp949", "김철수"),
        ("UTF-8", "utf-8", "某某"),
        ("iso-8859-1", "latin-1", "Müller"),
        ("windows-1252", "cp1252", "Müller €"),
        ("windows-1251", "cp1251", "Иванов"),
        ("koi8-r", "koi8_r", "Иванов"),
        ("UTF-16", "utf-16-le", "某某"),
        ("UTF-16BE", "utf-16-be", "某某"),
        ("UTF-32", "utf-32-le", "某某"),
    ],
)
def test_text_in_the_declared_encoding(encoding: str, codec: str, name: str) -> None:
    text = document(declared(encoding), name).replace("µ", "u")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = xml_text(text.encode(codec))
    assert read is not None
    assert xml_root(read).findtext("Name") == name


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "GB2312", "ISO-8859-1", "x-unknown"])
def test_byte_order_mark_outweighs_the_declaration(mark: bytes, codec: str, encoding: str) -> None:
    text = xml_text(mark + document(declared(encoding), "某某").encode(codec))
    assert text is not None
    assert xml_root(text).findtext("Name") == "某某"


@pytest.mark.parametrize(
    "encoding", ["UTF-16", "UTF-32LE", "ISO-8859-1", "windows-1252", "GB2312", "x-unknown", "rot13"]
)
def test_utf8_that_is_declared_as_something_else(encoding: str) -> None:
    text = xml_text(document(declared(encoding), "Müller").encode())
    assert text is not None
    root = xml_root(text)
    assert (root.findtext("Name"), root.findtext("Unit")) == ("Müller", "µV")


@pytest.mark.parametrize("encoding", ["UTF-8", "utf8", "UTF-16", "x-unknown", "ASCII"])
def test_latin1_that_is_declared_as_something_else(encoding: str) -> None:
    with pytest.warns(UserWarning, match=f"declares the encoding {encoding}, but has other bytes"):
        text = xml_text(document(declared(encoding), "Müller").encode("latin-1"))
    assert text is not None
    assert xml_root(text).findtext("Unit") == "µV"


@pytest.mark.filterwarnings("ignore:an XML file declares")
@pytest.mark.parametrize("codec", ["gbk", "big5", "shift_jis", "euc_kr", "cp1251"])
def test_wrong_utf8_keeps_ascii(codec: str) -> None:
    text = xml_text(document(declared("UTF-8")).replace("µ", "u").encode(codec))
    assert text is not None
    assert xml_root(text).findtext("Unit") == "uV"


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"\0" * 128 + b"DICM", b"text", b"\xff\xfet\0", "té".encode("latin-1")],
)
def test_other_content_is_not_xml_and_nothing_is_warned(content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xml_text(content) is None


def test_blanks_before_the_declaration_and_version_1_1() -> None:
    text = xml_text(b'\n  <?xml version="1.1" encoding="UTF-8"?>\n<a>1</a>')
    assert text is not None
    assert xml_root(text).text == "1"


def test_namespaces_are_removed() -> None:
    root = xml_root('<a:x xmlns:a="urn:1" xmlns:b="urn:2" b:type="t"><a:y/></a:x>')
    assert (root.tag, root.attrib, root[0].tag) == ("x", {"type": "t"}, "y")


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le", "utf-7"])
def test_entities_are_refused_in_every_encoding(codec: str) -> None:
    text = f'{declared(codec)}<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    read = xml_text(text.encode(codec))
    if read is not None:
        with pytest.raises(DataError, match=r"declares XML entities|not well-formed"):
            xml_root(read)


def test_a_truncated_file_names_the_place() -> None:
    with pytest.raises(DataError, match=r"not well-formed: .*line 1, column"):
        xml_root("<a><b>")
