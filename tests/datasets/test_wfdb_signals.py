from pathlib import Path

import numpy as np
import pytest
import soundfile
import wfdb

from acsbench.datasets.wfdb_header import read_header
from acsbench.datasets.wfdb_signals import BYTES, read_samples
from acsbench.errors import DataError
from tests.datasets.wfdb_writers import BITS, encode, header_text, write_record

LOWEST = {form: -(2 ** (bits - 1)) for form, bits in BITS.items()}


def samples_of(form: str, leads: int, frames: int) -> np.ndarray:
    """Counts over the whole range of a format, without the one that means missing."""
    low = max(LOWEST[form], -(2**31)) + 1
    counts = np.random.default_rng(0).integers(low, -low, (leads, frames), endpoint=True)
    counts[0, 0], counts[-1, -1] = low, -low
    return counts


def read(folder: Path, name: str = "r") -> np.ndarray:
    return np.stack(read_samples(read_header(folder / name)))


@pytest.mark.parametrize("leads", [1, 2, 3])
@pytest.mark.parametrize("frames", [6, 7, 8, 11])
@pytest.mark.parametrize("form", BITS)
def test_every_format_to_the_last_bit(tmp_path: Path, form: str, leads: int, frames: int) -> None:
    counts = samples_of(form, leads, frames)
    names = ["I", "II", "III"][:leads]
    write_record(tmp_path, counts, form=form, leads=names)
    np.testing.assert_array_equal(read(tmp_path), counts)
    # The same file, whose header does not state the length.
    header = header_text("r", first=f"r {leads} 500", form=form, leads=names)
    (tmp_path / "r.hea").write_text(header)
    found = read(tmp_path)
    np.testing.assert_array_equal(found[:, :frames], counts)
    assert found.shape[1] == frames or form in ("310", "311")  # padding may look like a sample


@pytest.mark.parametrize("form", ["80", "212", "16", "24", "32", "508", "516", "524"])
def test_formats_as_wfdb_writes_them(tmp_path: Path, form: str) -> None:
    bits = int(form) - 500 if int(form) > 500 else BITS[form]
    rng = np.random.default_rng(1)
    counts = rng.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1), (500, 3))
    wfdb.wrsamp("r", 500, ["mV"] * 3, ["I", "II", "V1"], d_signal=counts, fmt=[form] * 3,
                adc_gain=[200] * 3, baseline=[0] * 3, write_dir=str(tmp_path))  # fmt: skip
    np.testing.assert_array_equal(read(tmp_path), counts.T)


def test_format_8_holds_differences(tmp_path: Path) -> None:
    counts = np.random.default_rng(2).integers(-100, 100, (2, 50)).cumsum(axis=1)
    differences = np.diff(counts, axis=1, prepend=[[7], [-9]])
    differences = differences.clip(-128, 127)
    expected = differences.cumsum(axis=1) + np.array([[7], [-9]])
    (tmp_path / "r.dat").write_bytes(encode(differences.T.reshape(-1), "8"))
    (tmp_path / "r.hea").write_text(
        "r 2 500 50\nr.dat 8 1000/mV 16 0 7 0 0 I\nr.dat 8 1000/mV 16 0 -9 0 0 II\n"
    )
    np.testing.assert_array_equal(read(tmp_path), expected)
    np.testing.assert_array_equal(
        read(tmp_path), wfdb.rdrecord(str(tmp_path / "r"), physical=False).d_signal.T
    )


@pytest.mark.parametrize("form", BITS)
def test_the_lowest_value_is_a_missing_sample(tmp_path: Path, form: str) -> None:
    counts = samples_of(form, 2, 12)
    counts[1, 3:5] = LOWEST[form]
    write_record(tmp_path, counts, form=form, leads=["I", "II"])
    found = read(tmp_path)
    assert np.flatnonzero(np.isnan(found[1])).tolist() == [3, 4]
    assert np.isfinite(found[0]).all()


def test_samples_per_frame_skew_offset_and_several_files(tmp_path: Path) -> None:
    one, two, three = (np.arange(20) + start for start in (100, 200, 300))
    frames = np.column_stack([one[0::2], one[1::2], three[:10]])
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a b.mat").write_bytes(b"x" * 24 + encode(frames.reshape(-1), "16"))
    (tmp_path / "b.dat").write_bytes(encode(two[:13], "212"))
    (tmp_path / "r.hea").write_text(
        "r 3 250 10\nsub/a b.mat 16x2+24 1/mV 16 0 0 0 0 I\n"
        "sub/a b.mat 16:4+24 1/mV 16 0 0 0 0 II\nb.dat 212:2 1/mV 16 0 0 0 0 III\n"
    )
    i, ii, iii = read_samples(read_header(tmp_path / "r"))
    np.testing.assert_array_equal(i, one)
    np.testing.assert_array_equal(ii, [*three[4:10], *[np.nan] * 4])  # beyond the file
    np.testing.assert_array_equal(iii, two[2:12])  # the file goes on


def test_flac_with_several_samples_per_frame_and_an_offset(tmp_path: Path) -> None:
    counts = np.random.default_rng(3).integers(-(2**15), 2**15, (1010, 2)).astype(np.int16)
    soundfile.write(tmp_path / "r.flac", counts, 500, subtype="PCM_16", format="FLAC")
    header = header_text("r", file="r.flac", form="516x2+10", leads=["I", "II"], frames=500)
    (tmp_path / "r.hea").write_text(header)
    expected = counts[10:].T.astype(float)
    expected[expected == -(2**15)] = np.nan
    np.testing.assert_array_equal(read(tmp_path), expected)
    for old, new, words in [
        ("516x2", "508x2", "describes 2 signals of 8 bits; the FLAC file has 2 of 16 bits"),
        ("r 2 500 500", "r 2 500 501", "truncated: 1010 of 1012 samples"),
    ]:
        (tmp_path / "r.hea").write_text(header.replace(old, new))
        with pytest.raises(DataError, match=words):
            read(tmp_path)
    (tmp_path / "r.hea").write_text(header)
    (tmp_path / "r.flac").write_bytes(b"fLaC" + b"\0" * 5000)
    with pytest.raises(DataError, match="not a FLAC file, or is damaged"):
        read(tmp_path)


def test_a_signal_that_was_not_recorded(tmp_path: Path) -> None:
    write_record(tmp_path, np.ones((1, 10)), leads=["I"])
    lines = (tmp_path / "r.hea").read_text().replace("r 1", "r 2") + "~ 0 1/mV 16 0 0 0 0 II\n"
    (tmp_path / "r.hea").write_text(lines)
    found = read(tmp_path)
    assert found[0].tolist() == [1] * 10
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("form", BYTES)
def test_a_truncated_file_is_refused_with_its_size(tmp_path: Path, form: str) -> None:
    counts = np.ones((2, 30), dtype=int)
    write_record(tmp_path, counts, form=form, leads=["I", "II"])
    content = (tmp_path / "r.dat").read_bytes()
    (tmp_path / "r.dat").write_bytes(content[:-1])
    with pytest.raises(DataError, match=f"truncated: {len(content) - 1} of {len(content)} bytes"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("r.dat 99 1/mV", "line 3 .* states format 99, which is not supported.*212, 310"),
        ("r.dat 212 1/mV", "line 3 .* states another format than line 2 for the same file"),
        ("- 16 1/mV", "line 3 .* names the standard input"),
        ("/etc/passwd 16 1/mV", "line 3 .* outside the header's folder"),
        ("../r.dat 16 1/mV", "line 3 .* outside the header's folder"),
        ("sub/../../r.dat 16 1/mV", "line 3 .* outside the header's folder"),
        ("secret.dat 16 1/mV", r"signal file that the header names is missing \(line 3\)"),
        ("sub 16 1/mV", r"signal file that the header names is missing \(line 3\)"),
        ("b.dat 16 1/mV\nr.dat 16 1/mV", "line 4 .* names the file of an earlier line"),
    ],
)
def test_lines_that_name_no_readable_file(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.dat").write_bytes(bytes(100))
    write_record(tmp_path, np.ones((1, 10)), leads=["I"])
    text = (tmp_path / "r.hea").read_text().replace("r 1", f"r {2 + line.count(chr(10))}")
    (tmp_path / "r.hea").write_text(text + line + "\n")
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path)
    assert "secret" not in caught.value.message()


def test_lengths_that_are_not_stated_follow_from_the_shortest_file(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(encode(np.arange(11), "212"))
    (tmp_path / "b.dat").write_bytes(encode(np.arange(9), "16"))
    (tmp_path / "r.hea").write_text("r 2 500 0\na.dat 212 1/mV\nb.dat 16 1/mV\n")
    np.testing.assert_array_equal(read(tmp_path), [np.arange(9)] * 2)
    (tmp_path / "b.dat").write_bytes(b"")
    with pytest.raises(DataError, match="the signal file has no samples"):
        read(tmp_path)


def test_samples_behind_the_stated_length_are_mentioned(tmp_path: Path) -> None:
    counts = samples_of("16", 3, 10)
    header = header_text("r", leads=["I", "II"], frames=10)
    write_record(tmp_path, counts, header=header)
    with pytest.warns(UserWarning, match="but its header states 10"):
        read(tmp_path)


def test_a_file_without_stated_length_holds_whole_frames(tmp_path: Path) -> None:
    header = header_text("r", first="r 2 500", leads=["I", "II"])
    write_record(tmp_path, samples_of("16", 3, 5), header=header)
    with pytest.raises(DataError, match="does not fit its 2 signals"):
        read(tmp_path)


def test_lines_of_a_file_state_one_byte_offset(tmp_path: Path) -> None:
    header = header_text("r", leads=["I", "II"], frames=10).splitlines()
    header[2] = header[2].replace(" 16 ", " 16+24 ", 1)
    write_record(tmp_path, samples_of("16", 2, 22), header="\n".join(header))
    with pytest.raises(DataError, match=r"line 3 .* states another byte offset than line 2"):
        read(tmp_path)
