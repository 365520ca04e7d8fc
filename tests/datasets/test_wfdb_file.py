from pathlib import Path

import numpy as np
import pytest

import acsbench
from acsbench.datasets.wfdb_file import read_wfdb, says_simulated
from acsbench.ecg.leads import LEADS, limb_leads
from acsbench.errors import ConfigurationError, DataError
from tests.datasets.wfdb_writers import encode, header_text, write_record


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    """Two seconds of twelve leads at 500 Hz, in µV."""
    eight = np.random.default_rng(0).integers(-20, 21, (8, 1000)).cumsum(axis=1) * 2
    return np.vstack([limb_leads(eight[0], eight[1]), eight[2:]]).astype(int)


def assert_read(record: Path, counts: np.ndarray, fs: float = 500) -> None:
    recording = read_wfdb(record, "a")
    assert (recording.fs, recording.leads, recording.ecg_id) == (fs, LEADS, "a")
    np.testing.assert_allclose(recording.signal, counts / 1000, atol=1e-5)


@pytest.mark.parametrize(
    "gain",
    [
        *("1000(0)/mV", "1000", "1e3/mV", "1000.0(0.0)/mV", "1/uV", "1(0)/µV", "1/\u03bcV"),
        *("1000000/V", "1E6(0)/volts", "1/microvolts", "1000/MV"),
    ],
)
def test_gains_and_units(tmp_path: Path, counts: np.ndarray, gain: str) -> None:
    assert_read(write_record(tmp_path, counts, gain=gain), counts)


def test_the_unit_is_read_from_latin_1(tmp_path: Path, counts: np.ndarray) -> None:
    header = header_text("r", gain="1(0)/µV").encode("latin-1")
    assert_read(write_record(tmp_path, counts, header=header), counts)


def test_a_micro_sign_that_was_lost_is_no_volt(tmp_path: Path, counts: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"lead I is in '\?V', which is not a voltage"):
        read_wfdb(write_record(tmp_path, counts, gain="1(0)/?V"), "a")
    with pytest.raises(DataError, match="its unit or gain is wrong"):
        read_wfdb(write_record(tmp_path, counts, gain="1(0)/V"), "a")


@pytest.mark.parametrize("gain", ["0(0)/mV", "0", "0/uV", "", "/mV", "(0)/mV", "0.0", "0e5(12)"])
def test_a_gain_that_is_not_known(tmp_path: Path, counts: np.ndarray, gain: str) -> None:
    rest = "16 0 0 0 0" if gain else ""
    record = write_record(
        tmp_path, counts, gain=gain, rest=rest, leads=[f"x{n}" for n in range(12)]
    )
    text = record.with_suffix(".hea").read_text()
    if not gain:  # a line that ends behind the format has no name either
        with pytest.raises(DataError):
            read_wfdb(record, "a")
        return
    for number, lead in enumerate(LEADS):
        text = text.replace(f" x{number}\n", f" {lead}\n")
    record.with_suffix(".hea").write_text(text)
    with pytest.raises(
        DataError, match="line 2 of the header states no gain for lead I "
    ) as caught:
        read_wfdb(record, "a")
    assert "--gain" in caught.value.fix
    baseline = 12 if "12" in gain else 0
    for recording in (read_wfdb(record, "a", gain=500), acsbench.read_ecg(record, gain=500)):
        np.testing.assert_allclose(recording.signal, (counts - baseline) / 500, atol=1e-5)


def test_a_stated_gain_is_not_replaced(tmp_path: Path, counts: np.ndarray) -> None:
    record = write_record(tmp_path, counts)
    np.testing.assert_allclose(read_wfdb(record, "a", gain=7).signal, counts / 1000, atol=1e-5)
    with pytest.raises(ConfigurationError, match="must be positive"):
        read_wfdb(record, "a", gain=0)


def test_the_gain_of_a_signal_that_is_no_lead_does_not_matter(
    tmp_path: Path, counts: np.ndarray
) -> None:
    record = write_record(tmp_path, counts)
    text = record.with_suffix(".hea").read_text().replace("r 12", "r 13")
    record.with_suffix(".hea").write_text(text + "s.dat 80 0/mmHg 8 0 0 0 0 ABP\n")
    (tmp_path / "s.dat").write_bytes(bytes(1000))
    assert_read(record, counts)


@pytest.mark.parametrize(
    ("gain", "zero", "offset"),
    [("1000/mV", 100, 100), ("1000(-50)/mV", 100, -50), ("1000(0)/mV", 100, 0)],
)
def test_the_baseline_is_the_adcs_zero_unless_stated(
    tmp_path: Path, counts: np.ndarray, gain: str, zero: int, offset: int
) -> None:
    record = write_record(tmp_path, counts + offset, gain=gain, rest=f"16 {zero} 0 0 0")
    assert_read(record, counts)


def test_samples_of_a_frame_are_all_kept(tmp_path: Path, counts: np.ndarray) -> None:
    frames = counts.reshape(12, 500, 2).transpose(1, 0, 2).reshape(-1)
    (tmp_path / "r.dat").write_bytes(encode(frames, "16"))
    header = header_text("r", first="r 12 250 500", form="16x2")
    (tmp_path / "r.hea").write_text(header)
    assert_read(tmp_path / "r", counts)
    (tmp_path / "r.hea").write_text(header.replace("r 12 250 500", "r 12 250"))
    assert_read(tmp_path / "r", counts)


def test_leads_of_different_rates_are_refused_and_other_signals_not(
    tmp_path: Path, counts: np.ndarray
) -> None:
    frames = np.column_stack([counts.T[:500], np.zeros((500, 4), int)])
    (tmp_path / "r.dat").write_bytes(encode(frames.reshape(-1), "16"))
    header = header_text("r", first="r 13 500 500") + "r.dat 16x4 200/mmHg 16 0 0 0 0 resp\n"
    (tmp_path / "r.hea").write_text(header)
    assert_read(tmp_path / "r", counts[:, :500])
    header = header.replace("r 13", "r 12").replace("r.dat 16 1000(0)/mV 16 0 0 0 0 V6\n", "")
    (tmp_path / "r.hea").write_text(header.replace("resp", "V6").replace("mmHg", "mV"))
    with pytest.raises(DataError, match="differ in their sampling rates, Hz: 500, 2000"):
        read_wfdb(tmp_path / "r", "a")


@pytest.mark.parametrize("name", ["r1.v2", "Größe", "心电图", "two words", "a.b.c"])
@pytest.mark.parametrize("file", ["{}.dat", "signals/{}.dat", "{}.mat", "a b c.x.dat"])
def test_names_of_records_and_files(
    tmp_path: Path, counts: np.ndarray, name: str, file: str
) -> None:
    record = write_record(tmp_path, counts, name, file=file.format(name))
    for path in (record, record.with_name(f"{name}.hea"), record.with_name(f"{name}.dat")):
        assert_read(path, counts)
    assert acsbench.read_ecg(str(record)).fs == 500


def test_the_eight_leads_of_a_record(tmp_path: Path, counts: np.ndarray) -> None:
    leads = ["I", "II", *LEADS[6:]]
    record = write_record(tmp_path, counts[[0, 1, *range(6, 12)]], leads=leads)
    assert_read(record, counts)


def test_missing_samples_are_nan(tmp_path: Path, counts: np.ndarray) -> None:
    damaged = counts.copy()
    damaged[3, 100:200] = -(2**15)
    signal = read_wfdb(write_record(tmp_path, damaged), "a").signal
    assert np.flatnonzero(np.isnan(signal).any(axis=0)).tolist() == list(range(100, 200))
    assert np.isfinite(np.delete(signal, 3, axis=0)).all()


def test_a_comment_says_whether_it_is_simulated(tmp_path: Path, counts: np.ndarray) -> None:
    record = write_record(tmp_path, counts)
    assert not says_simulated(record)
    with record.with_suffix(".hea").open("a") as header:
        header.write("# Simulated, of nobody\n")
    assert says_simulated(record)


@pytest.fixture
def segments(tmp_path: Path, counts: np.ndarray) -> Path:
    """A record of two segments around 200 samples that were not recorded."""
    write_record(tmp_path, counts[:, :300], "r_1")
    write_record(tmp_path, counts[:, 500:], "r_2")
    (tmp_path / "r.hea").write_text("r/3 12 500 1000\nr_1 300\n~ 200\nr_2 500\n")
    return tmp_path


def joined(counts: np.ndarray) -> np.ndarray:
    expected = counts.astype(float)
    expected[:, 300:500] = np.nan
    return expected


def test_segments_are_joined_with_nan_between(segments: Path, counts: np.ndarray) -> None:
    assert_read(segments / "r", joined(counts))
    (segments / "r.hea").write_text("r/3 12 500\nr_1 300\n~ 200\nr_2 500\n")
    assert_read(segments / "r.hea", joined(counts))


def test_segments_of_other_gains_names_order_and_layout(segments: Path, counts: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(12)
    names = [f"ECG {LEADS[row]}" for row in order]
    write_record(segments, counts[order, 500:], "r_2", gain="1(0)/uV", form="24", leads=names)
    layout = header_text("r_layout", file="~", form="0", frames=0).replace(" 0\n", " 1000\n", 1)
    (segments / "r_layout.hea").write_text(layout)
    (segments / "r.hea").write_text("r/4 12 500 1000\nr_layout 0\nr_1 300\n~ 200\nr_2 500\n")
    assert_read(segments / "r", joined(counts))


def test_leads_that_a_segment_lacks_are_nan(segments: Path, counts: np.ndarray) -> None:
    write_record(segments, counts[:11, 500:], "r_2", leads=LEADS[:11])
    expected = joined(counts)
    expected[11, 300:] = np.nan
    assert_read(segments / "r", expected)
    # -aVR in one segment and aVR in the other are one lead.
    other = counts[:, 500:] * np.where(np.arange(12) == 3, -1, 1)[:, None]
    write_record(segments, other, "r_2", leads=[*LEADS[:3], "-aVR", *LEADS[4:]])
    assert_read(segments / "r", joined(counts))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("r", "500 1000", "500 900", "have 1000 samples in total; its record line states 900"),
        ("r", "~ 200\nr_2 500", "~ 300\nr_2 400", "line 4 .* states 400 samples; .* states 500"),
        ("r", "r_2", "r_3", "line 4 of the header names a segment without a header file"),
        ("r", "r_2", "../r_2", "line 4 .* outside the header's folder"),
        ("r", "r_2", "r", "line 4 .* names a segment that has segments"),
        ("r", "1000\nr_1 300\n~ 200", "\nr_1 300\n~ 2000000000000", "the limit is 20000000"),
        ("r_2", "12 500", "12 250", "line 4 .* a segment of 250 Hz; the record has 500 Hz"),
        ("r_2", "500 500", "500 5000", "line 4 .* states 500 samples"),
        ("r_2", "mV", "mmHg", "line 4 .* with I in 'mmHg', which is not a voltage"),
        ("r_2", "1000(0)", "0(0)", "states no gain for lead I"),
        ("r_2", "16 0 0 0 0 V6\n", "16 0 0 0 0\n", "line 4 .* an unnamed signal"),
        ("r_2", "16 0 0 0 0 I\n", "16 0 0 0 0 II\n", "lead II is there more than once"),
    ],
)
def test_segments_that_do_not_fit(
    segments: Path, file: str, old: str, new: str, words: str
) -> None:
    path = segments / f"{file}.hea"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=words) as caught:
        read_wfdb(segments / "r", "a")
    assert str(segments) not in caught.value.message()


def test_samples_per_frame_of_segments(segments: Path, counts: np.ndarray) -> None:
    for name, part in (("r_1", counts[:, :300]), ("r_2", counts[:, 500:])):
        frames = part.reshape(12, -1, 2).transpose(1, 0, 2).reshape(-1)
        (segments / f"{name}.dat").write_bytes(encode(frames, "16"))
        text = header_text(name, first=f"{name} 12 250 {part.shape[1] // 2}", form="16x2")
        (segments / f"{name}.hea").write_text(text.replace("r.dat", f"{name}.dat"))
    (segments / "r.hea").write_text("r/3 12 250 500\nr_1 150\n~ 100\nr_2 250\n")
    assert_read(segments / "r", joined(counts))
    write_record(segments, counts[:, 500:750], "r_2")
    text = (segments / "r_2.hea").read_text().replace("12 500", "12 250")
    (segments / "r_2.hea").write_text(text)
    with pytest.raises(DataError, match=r"line 4 .* with I at 250 Hz; it has 500 Hz"):
        read_wfdb(segments / "r", "a")


def test_a_gain_near_0(tmp_path: Path, counts: np.ndarray) -> None:
    for gain in ("1e-320/V", "1e-310/mV"):
        with pytest.raises(DataError, match="infinite samples: its unit or gain is wrong"):
            read_wfdb(write_record(tmp_path, counts, gain=gain), "a")


def test_random_damage_raises_nothing_but_a_data_error(segments: Path) -> None:
    rng = np.random.default_rng(5)
    characters = list(b"0123456789 /(:)x+-.~\n\r#mVI\xb5\x00\xe2")
    originals = {path: path.read_bytes() for path in segments.glob("*.hea")}
    refused = 0
    for _ in range(300):
        for path, content in originals.items():
            damaged = bytearray(content)
            for place in rng.integers(len(damaged), size=rng.integers(0, 4)):
                damaged[place] = rng.choice(characters)
            if rng.random() < 0.1:
                del damaged[rng.integers(len(damaged)) :]
            path.write_bytes(damaged)
        try:
            recording = read_wfdb(segments / "r", "a")
        except DataError as error:
            refused += 1
            assert str(segments) not in error.message()  # noqa: PT017 - some are read
        else:
            assert recording.leads == LEADS
    assert refused > 100


@pytest.mark.parametrize("line", ["{} 16 1/mV", "r.dat 16:999999999999 1/mV", "r.dat 16x9999999 1"])
def test_hostile_lines(tmp_path: Path, counts: np.ndarray, line: str) -> None:
    record = write_record(tmp_path, counts, leads=LEADS)
    text = record.with_suffix(".hea").read_text().replace("r 12", "r 13")
    record.with_suffix(".hea").write_text(text + line.format("n" * 300) + "\n")
    with pytest.raises(DataError):
        read_wfdb(record, "a")


def test_a_skew_beyond_the_file_leaves_nothing(tmp_path: Path, counts: np.ndarray) -> None:
    with pytest.raises(DataError, match="has no valid sample"):
        read_wfdb(
            write_record(tmp_path, counts, header=header_text("r", form="16:999999999999")), "a"
        )


@pytest.mark.parametrize(
    "case",
    [
        *("wfdb-micro-sign/r1", "wfdb-two-samples-per-frame/r1", "minus-avr/r1"),
        *("wfdb-header-date/r1", "wfdb-header-date/r2", "wfdb-eight-leads/r1"),
    ],
)
def test_cases_with_right_answers(cases: Path, case: str) -> None:
    record = cases / case
    expected = np.load(record.parent / "expected.npz")["microvolts"]
    recording = read_wfdb(record, "a")
    assert recording.fs == 500
    # Half a microvolt: those who derived aVR rounded it.
    np.testing.assert_allclose(recording.signal * 1000, expected, atol=0.51)


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_the_case_of_a_gain_of_zero(cases: Path, name: str) -> None:
    record = cases / "wfdb-gain-zero" / name
    with pytest.raises(DataError, match="states no gain for lead I "):
        read_wfdb(record, "a")
    expected = np.load(cases / "wfdb-header-date" / "expected.npz")["microvolts"]
    signal = read_wfdb(record, "a", gain=1000).signal
    np.testing.assert_allclose(signal * 1000, expected, atol=0.01)


def test_what_wfdb_reads_is_read_alike(ptbxl_dir: Path, ludb_dir: Path) -> None:
    import wfdb

    records = [*sorted(ptbxl_dir.rglob("*.hea"))[::400], ludb_dir / "data" / "1.hea"]
    for header in records:
        theirs = wfdb.rdrecord(str(header.with_suffix("")))
        order = [[name.casefold() for name in theirs.sig_name].index(x.casefold()) for x in LEADS]
        ours = read_wfdb(header, "a")
        assert ours.fs == theirs.fs
        np.testing.assert_allclose(ours.signal, theirs.p_signal.T[order], atol=1e-6)
