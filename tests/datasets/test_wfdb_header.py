from pathlib import Path

import pytest

from acsbench.datasets.wfdb_header import read_header, record_path, segments_named
from acsbench.errors import DataError

SIGNALS = "r.dat 16 1000(5)/mV 16 0 -7 123 0 I\nr.dat 16 1000/mV 16 3 0 0 0 II\n"


def written(folder: Path, content: str | bytes, name: str = "r") -> Path:
    path = folder / f"{name}.hea"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def test_all_fields(tmp_path: Path) -> None:
    record = written(
        tmp_path,
        "# before\n\nr 3 250/100.5(-3) 5000 10:00:00 01/02/2003\n"
        "r.dat 16x2:3+24 1e3(-5)/uV 16 1 -7 123 0 Lead II, raw\n  # between \n"
        "b.dat 212 -200/mmHg 12 1024 0 0 0 ABP\nb.dat 212\n# <age>: 60\n",
    )
    header = read_header(record)
    assert (header.rate, header.length, header.segments) == (250, 5000, ())
    assert header.comments == ("before", "between", "<age>: 60")
    one, two, three = header.signals
    assert (one.line, one.file, one.format, one.samples_per_frame) == (4, "r.dat", "16", 2)
    assert (one.skew, one.offset, one.gain, one.baseline, one.unit) == (3, 24, 1000, -5, "uV")
    assert (one.initial, one.name) == (-7, "Lead II, raw")
    assert (two.gain, two.baseline, two.unit) == (-200, 1024, "mmHg")  # baseline: the ADC's zero
    assert (three.gain, three.baseline, three.unit, three.name) == (None, 0, "mV", "")


@pytest.mark.parametrize(
    "tail",
    [
        *("", " 2006", " 2020-05-05", " 2014-05-08 05:05:15", " 10:00:00.123456789 1/2/3"),
        *(" 05-Feb-2020 11:39:16", " 25:61:61 99/99/9999", " [11:39 5.2.2020]"),
    ],
)
def test_dates_of_any_form(tmp_path: Path, tail: str) -> None:
    header = read_header(written(tmp_path, f"r 2 500 5000{tail}\n{SIGNALS}"))
    assert (header.rate, header.length, len(header.signals)) == (500, 5000, 2)


@pytest.mark.parametrize(
    ("line", "rate", "length"),
    [
        ("r 2 500/100(0) 5000", 500, 5000),
        ("r 2 500/100 5000", 500, 5000),
        ("r 2 360.5(0.5)", 360.5, None),
        ("r 2 5e2 0", 500, None),
        ("r 2 500 5000.0", 500, 5000),
        ("r 2 500 10:00:00 1/1/2001", 500, None),
        ("other 2 500", 500, None),
        ("\tr  2\t500", 500, None),
    ],
)
def test_record_lines(tmp_path: Path, line: str, rate: float, length: int | None) -> None:
    header = read_header(written(tmp_path, f"{line}\n{SIGNALS}"))
    assert (header.rate, header.length) == (rate, length)


@pytest.mark.parametrize("name", ["r1.v2", "Größe", "心电图", "two words", "x.y z", "r-1"])
def test_record_names(tmp_path: Path, name: str) -> None:
    record = written(tmp_path, f"{name} 2 500 5000\n{SIGNALS}", name)
    assert record_path(tmp_path / f"{name}.hea") == record == record_path(record)
    assert record_path(tmp_path / f"{name}.dat") == record
    assert read_header(record).length == 5000
    renamed = written(tmp_path, f"{name} 2 500 5000\n{SIGNALS}", "renamed")
    assert read_header(renamed).rate == 500


def test_a_record_whose_name_looks_like_a_record_line(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, f"a 7 500 b 2 250 5000\n{SIGNALS}", "a 7 500 b"))
    assert (header.rate, len(header.signals)) == (250, 2)


@pytest.mark.parametrize("unit", ["µV", "\u03bcV"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\n\n"])
def test_bytes_of_any_editor(tmp_path: Path, unit: str, encoding: str, ends: str) -> None:
    if encoding == "latin-1" and unit == "\u03bcV":
        unit = "µV"
    text = f"r 2 500 5000\n{SIGNALS}".replace("mV", unit).replace("\n", ends)
    header = read_header(written(tmp_path, text.encode(encoding)))
    assert [signal.unit for signal in header.signals] == [unit] * 2
    assert [signal.name for signal in header.signals] == ["I", "II"]


def test_a_dash_of_windows_is_kept(tmp_path: Path) -> None:
    text = f"r 2 500 5000\n{SIGNALS}".replace(" II", " –aVR").encode("cp1252")
    assert read_header(written(tmp_path, text)).signals[1].name == "–aVR"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no record line"),
        ("# a comment\n", "no record line"),
        ("r\n", "line 1 of the header is not a record line"),
        ("# a comment\nr two 500\n", "line 2 of the header is not a record line"),
        ("r 2\n" + SIGNALS, "line 1 .* states no sampling frequency"),
        ("r 2 0\n" + SIGNALS, "states '0' as sampling frequency"),
        ("r 2 -500\n" + SIGNALS, "states '-500' as sampling frequency"),
        ("r 2 fast\n" + SIGNALS, "states 'fast' as sampling frequency"),
        ("r 2 1e999\n" + SIGNALS, "states '1e999' as sampling frequency"),
        ("r 2 500 many\n" + SIGNALS, "states 'many' as number of samples"),
        ("r 2 500 -1\n" + SIGNALS, "states '-1' as number of samples"),
        ("r 0 500\n", "line 1 .* states 0 as number of signals"),
        ("r 3 500\n\n" + SIGNALS, "line 1 .* states 3 as number of signals, but 2 lines"),
        (
            "r 1 500\n\n" + SIGNALS,
            "states 1 as number of signals, but 2 lines .*; line 4 is the first extra line",
        ),
        ("r 2 500\nr.dat\nr.dat 16\n", "line 2 .* is not a signal line"),
        ("r 1 500\nr.dat sixteen x\n", "line 2 .* is not a signal line"),
        ("r 1 500\nr.dat 16 many/mV\n", "line 2 .* states 'many/mV' as gain"),
        ("r 1 500\nr.dat 16 200 (0)/mV 16\n", "line 2 .* has a blank in the gain"),
        ("r 1 500\nr.dat 16 200(0) /mV 16 0 0 0 0 I\n", "line 2 .* has a blank in the gain"),
        ("r 1 500\nr.dat 16 1/µ V 16 0 0 0 0 I\n", "line 2 .* has a blank in the gain"),
        ("r 1 500\nr.dat 16 1e999/mV\n", "line 2 .* states '1e999/mV' as gain"),
        ("r 1 500\nr.dat 16x0 200\n", "line 2 .* states '16x0' as format"),
        ("r 1 500\nr.dat 16:-1 200\n", "line 2 .* states '16:-1' as format"),
        ("r/2 2 500\na 100\n", "states 2 as number of segments, but 1 lines"),
        ("r/1 2 500\na\n", "line 2 .* is not a segment line"),
        ("r/0 2 500\n", "states 0 as number of segments"),
        ("r 1 500\nr.dat 16 " + "9" * 5000, "line 2 .* has 5009 characters"),
        (b"r 1 500\nr.dat 16 \0\0\0", "not a text file"),
        ("r 1 500\n".encode("utf-16"), "not a text file"),
    ],
)
def test_the_line_at_fault_is_named(
    tmp_path: Path, content: str | bytes, words: str | None
) -> None:
    record = written(tmp_path, content)
    if words is None:
        assert read_header(record).signals[0].gain == 200
        return
    with pytest.raises(DataError, match=words) as caught:
        read_header(record)
    assert str(tmp_path) not in caught.value.message()


def test_a_header_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no header file"):
        read_header(tmp_path / "r")
    (tmp_path / "r.hea").mkdir()
    with pytest.raises(DataError, match="cannot be opened"):
        read_header(tmp_path / "r")


def test_segments(tmp_path: Path) -> None:
    record = written(tmp_path, "r/4 2 500 300\nr_layout 0\nr_1 100\n~ 50\nr_2 150\n")
    header = read_header(record)
    assert [(s.line, s.name, s.length) for s in header.segments] == [
        *[(2, "r_layout", 0), (3, "r_1", 100), (4, "~", 50), (5, "r_2", 150)]
    ]
    assert segments_named(record) == ["r_layout", "r_1", "~", "r_2"]
    assert segments_named(written(tmp_path, f"s 2 500\n{SIGNALS}", "s")) == []
    assert segments_named(written(tmp_path, b"\0", "t")) == segments_named(tmp_path / "u") == []
