import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sierraecg import read_file

from acsbench.datasets.clinical_file import LARGEST, is_clinical_file, read_clinical_file
from acsbench.datasets.recording_file import read_recording_file
from acsbench.datasets.wfdb_folder import open_wfdb_folder
from acsbench.ecg import measure
from acsbench.ecg.leads import LEADS, einthoven_residual
from acsbench.errors import ConfigurationError, DataError
from tests.datasets.builders import first_record, wfdb_folder
from tests.datasets.clinical_writers import (
    Counts,
    write_aecg,
    write_dicom,
    write_muse,
    write_scp,
)

STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
PHILIPS = "{http://www3.medical.philips.com}"
Write = Callable[..., None]
WRITERS = pytest.mark.parametrize(
    ("write", "name", "microvolts"),
    [
        (write_muse, "ecg.xml", 4.88),
        (write_aecg, "ecg.XML", 2.5),
        (write_dicom, "IM00001", 1.25),
        (write_scp, "ecg.scp", 5.0),
    ],
)


@pytest.fixture
def counts() -> Counts:
    """Ten seconds of a wandering signal with steps, in counts."""
    rng = np.random.default_rng(0)
    wander = rng.integers(-9, 10, (12, 5000)).cumsum(axis=1)
    wander[:, ::400] += rng.integers(-900, 900, (12, 13))
    return wander


@pytest.fixture(params=["129DYPRG.XML", "3191723_ZZDEMOPTONLY_1-04_orig.xml"])
def sierra(request: pytest.FixtureRequest, vectors: Path) -> Path:
    """Real exports of Philips devices, versions 1.03 and 1.04 (the latter in UTF-16)."""
    return vectors.parents[1] / "data" / "formats" / "sierra" / request.param


def test_sierra_as_those_who_worked_the_format_out_decode_it(sierra: Path) -> None:
    recording = read_clinical_file(sierra, "a")
    decoded = read_file(str(sierra))
    assert [lead.label for lead in decoded.leads] == list(LEADS)
    assert recording.fs == decoded.leads[0].sampling_freq == 500
    expected = np.stack([lead.samples for lead in decoded.leads]) * 0.005
    length = recording.signal.shape[1]
    np.testing.assert_allclose(recording.signal, expected[:, :length], atol=1e-6)
    # What is cut off is flat or the calibration pulse, the same in all leads.
    assert 0 < expected.shape[1] - length < 500
    assert np.ptp(expected[:, length:], axis=0).max() == 0
    assert np.ptp(recording.signal[:, -1]) > 0


def test_sierra_agrees_with_what_the_device_measured(sierra: Path) -> None:
    root = ET.fromstring(sierra.read_bytes())
    slowest, fastest = (
        float(root.findtext(f".//{PHILIPS}{which}ventrate") or "nan") for which in ("low", "high")
    )
    t_wave = {
        lead.get("leadname"): float(lead.findtext(f"{PHILIPS}tamp") or "nan") / 1000
        for lead in root.iter(f"{PHILIPS}leadmeasurement")
    }
    recording = read_clinical_file(sierra, "a")
    measured = measure(recording).set_index("lead")
    assert slowest - 1 <= measured["heart_rate"].iloc[0] <= fastest + 1
    # The device measures its averaged beat, `measure` the median over beats: about 0.1 mV apart.
    np.testing.assert_allclose(
        measured["t_amplitude"], [t_wave[lead] for lead in measured.index], atol=0.12
    )
    assert einthoven_residual(recording.signal[:6]).max() <= 0.0101  # two steps of 5 µV


@WRITERS
def test_what_was_written_is_read_to_the_last_bit(
    tmp_path: Path, counts: Counts, write: Write, name: str, microvolts: float
) -> None:
    shuffled = tuple(np.random.default_rng(1).permutation(LEADS))
    write(tmp_path / name, counts, shuffled, microvolts=microvolts, fs=250)
    recording = read_clinical_file(tmp_path / name, "a")
    assert (recording.ecg_id, recording.fs, recording.leads) == ("a", 250, LEADS)
    expected = counts[[shuffled.index(lead) for lead in LEADS]] * microvolts / 1000
    np.testing.assert_allclose(recording.signal, expected, atol=microvolts / 1e4)


@WRITERS
def test_limb_leads_that_are_left_out_are_derived(
    tmp_path: Path, counts: Counts, write: Write, name: str, microvolts: float
) -> None:
    write(tmp_path / name, counts[:8], STORED, microvolts=microvolts)
    recording = read_clinical_file(tmp_path / name, "a")
    np.testing.assert_allclose(
        recording.select(STORED), counts[:8] * microvolts / 1000, atol=microvolts / 1e4
    )
    assert einthoven_residual(recording.signal[:6]).max() < 1e-5
    assert np.ptp(recording.select(["aVL"])) > 0.1


def test_a_recorded_limb_lead_is_not_replaced(tmp_path: Path, counts: Counts) -> None:
    write_aecg(tmp_path / "a.xml", counts, LEADS)
    signal = read_clinical_file(tmp_path / "a.xml", "a").signal
    assert einthoven_residual(signal[:6]).max() > 0.1  # the fixture's leads are independent


def test_scp_amplitudes_without_huffman_code(tmp_path: Path, counts: Counts) -> None:
    write_scp(tmp_path / "a.scp", counts, LEADS, huffman=False)
    signal = read_clinical_file(tmp_path / "a.scp", "a").signal
    np.testing.assert_allclose(signal, counts * 0.005, atol=1e-5)


@WRITERS
def test_missing_leads_are_named(
    tmp_path: Path, counts: Counts, write: Write, name: str, microvolts: float
) -> None:
    write(tmp_path / name, counts[:4], ("I", "V1", "V2", "V3"), microvolts=microvolts)
    with pytest.raises(
        DataError, match=r"II, III, aVR.* V4, V5, V6 is missing; found I, V1, V2, V3"
    ):
        read_clinical_file(tmp_path / name, "a")


@WRITERS
def test_truncated_files_are_refused(
    tmp_path: Path, counts: Counts, write: Write, name: str, microvolts: float
) -> None:
    path = tmp_path / name
    write(path, counts, LEADS, microvolts=microvolts)
    content = path.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.99):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DataError):
            read_clinical_file(path, "a")


@WRITERS
def test_random_damage_raises_nothing_but_a_data_error(
    tmp_path: Path, counts: Counts, write: Write, name: str, microvolts: float
) -> None:
    path = tmp_path / name
    write(path, counts[:, :1000], LEADS, microvolts=microvolts)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(2)
    for _ in range(40):
        damaged = content.copy()
        where = rng.integers(min(len(content), 3000), size=rng.integers(1, 20))
        damaged[where] = rng.integers(256, size=len(where))
        path.write_bytes(damaged.tobytes())
        try:
            recording = read_clinical_file(path, "a")
        except DataError as error:
            assert path.name not in error.message()  # noqa: PT017 - most, not all, are refused
        else:
            assert recording.leads == LEADS


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("MICROVOLTS", "FURLONGS", "lead I is in 'FURLONGS', which is not a voltage"),
        ("MICROVOLTS", "VOLTS", "its unit or gain is wrong"),
        (">4.88<", ">four<", "the gain of lead I is missing or not a number"),
        (">4.88<", ">0<", "the gain of lead I is 0, so its amplitude is unknown"),
        (">4.88<", ">-4.88<", "the gain of lead I is -4.88"),
        (r"<LeadID>V6", "<LeadID>V5", "lead V5 is there more than once"),
        ("<SampleBase>500", "<SampleBase>0", "no valid SampleBase"),
        ("<LeadSampleCountTotal>5000", "<LeadSampleCountTotal>4000000000", "but holds 5000"),
        (r"<LeadDataCRC32>\d+", "<LeadDataCRC32>1", "checksum .* does not match its signal"),
        (r"(<WaveFormData>)[^<]{4}", r"\1?!,;", "lead I is not valid Base64"),
        (r"<LeadData>.*?</LeadData>", "", "only averaged beats"),
        ("RestingECG", "RestingEEG", "the format of its content is unknown"),
    ],
)
def test_faults_of_muse_files_are_told(
    tmp_path: Path, counts: Counts, old: str, new: str, words: str
) -> None:
    path = tmp_path / "a.xml"
    write_muse(path, counts, LEADS)
    path.write_text(re.sub(old, new, path.read_text(), flags=re.DOTALL))
    with pytest.raises(DataError, match=words):
        read_clinical_file(path, "a")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('compressmethod="XLI"', 'compressmethod="ZIP"', "Compression unsupported: ZIP"),
        ('dataencoding="Base64"', 'dataencoding="Morse"', "encoding 'Morse' is unsupported"),
        (">1.03<", ">0.99<", "SierraECG 0.99 are unsupported"),
        ("<samplingrate>500<", "<samplingrate>-1<", "sampling rate"),
        ("<parsedwaveforms.*</parsedwaveforms>", "", "parsedwaveforms is missing"),
        ('durationperchannel="11000"', 'durationperchannel="1e12"', "samples, 500000000000"),
    ],
)
def test_faults_of_sierra_files_are_told(
    tmp_path: Path, vectors: Path, old: str, new: str, words: str
) -> None:
    original = vectors.parents[1] / "data" / "formats" / "sierra" / "129DYPRG.XML"
    path = tmp_path / "a.xml"
    text = original.read_text()
    path.write_text(re.sub(old, new, text, flags=re.DOTALL))
    assert path.read_text() != text
    with pytest.raises(DataError, match=words):
        read_clinical_file(path, "a")


@pytest.mark.parametrize("root", ["RestingECG", "AnnotatedECG", "restingecgdata"])
def test_entities_are_not_expanded(tmp_path: Path, root: str) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    (tmp_path / "a.xml").write_text(
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>\n<{root}>&l9;</{root}>'
    )
    with pytest.raises(DataError, match="declares XML entities"):
        read_clinical_file(tmp_path / "a.xml", "a")


def test_files_of_another_file_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("4711")
    (tmp_path / "a.xml").write_text(
        f'<!DOCTYPE x [<!ENTITY l SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
        "<RestingECG>&l;</RestingECG>"
    )
    with pytest.raises(DataError, match="declares XML entities") as caught:
        read_clinical_file(tmp_path / "a.xml", "a")
    assert "4711" not in caught.value.message(show_ids=True)


def test_larger_files_than_an_ecg_needs_are_not_opened(
    tmp_path: Path, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xml"
    write_muse(path, counts, LEADS)
    monkeypatch.setitem(LARGEST, "GE MUSE XML", 0)
    with pytest.raises(DataError, match="MiB; the limit is 0"):
        read_clinical_file(path, "a")


def test_deflated_dicom_is_refused_before_it_is_unpacked(tmp_path: Path, counts: Counts) -> None:
    write_dicom(tmp_path / "a.dcm", counts, LEADS, deflated=True)
    with pytest.raises(DataError, match="is deflated"):
        read_clinical_file(tmp_path / "a.dcm", "a")


def test_dicom_that_declares_more_samples_than_it_holds(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.dcm"
    write_dicom(path, counts, LEADS)
    honest, lying = (b"\x3a\x00\x10\x00UL\x04\x00" + n.to_bytes(4, "little") for n in (5000, 2**31))
    content = path.read_bytes()
    assert content.count(honest) == 1
    path.write_bytes(content.replace(honest, lying))
    with pytest.raises(DataError, match="Waveform Data has 120000 bytes"):
        read_clinical_file(path, "a")


def test_an_image_is_no_ecg(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.dcm"
    write_dicom(path, counts, LEADS)
    path.write_bytes(path.read_bytes().replace(b"\x00\x54\x00\x01SQ", b"\x01\x54\x00\x01SQ"))
    with pytest.raises(DataError, match="has no Waveform Sequence"):
        read_clinical_file(path, "a")


def test_a_changed_byte_of_an_scp_signal_is_noticed(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.scp"
    write_scp(path, counts, LEADS, huffman=False)
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="SCP-ECG file: a checksum does not match its signal"):
        read_clinical_file(path, "a")


def test_an_scp_file_whose_patient_was_removed_is_read(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.scp"
    write_scp(path, counts, LEADS)
    content = path.read_bytes()
    sex = b"\x08\x01\x00\x02"
    assert content.count(sex) == 1
    path.write_bytes(content.replace(sex, b"\x08\x01\x00\x00"))
    with pytest.warns(UserWarning, match="CRC mismatch in: record, Section 1"):
        assert read_clinical_file(path, "a").leads == LEADS


def test_scp_leads_that_were_not_recorded_together(tmp_path: Path, counts: Counts) -> None:
    starts = [1] * 6 + [2501] * 6
    write_scp(tmp_path / "a.scp", counts[:, :2500], LEADS, starts=starts)
    signal = read_clinical_file(tmp_path / "a.scp", "a").signal
    assert signal.shape == (12, 5000)
    np.testing.assert_allclose(signal[:6, :2500], counts[:6, :2500] * 0.005, atol=1e-5)
    np.testing.assert_allclose(signal[6:, 2500:], counts[6:, :2500] * 0.005, atol=1e-5)
    assert np.isnan(signal[:6, 2500:]).all()
    assert np.isnan(signal[6:, :2500]).all()


def test_what_the_file_quotes_is_private(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "Doe-Jane.xml"
    write_aecg(path, counts, LEADS)
    path.write_text(path.read_text().replace("<digits>", "<digits>Jane ", 1))
    with pytest.raises(DataError) as caught:
        read_clinical_file(path, "a")
    assert "Jane" not in caught.value.message()
    assert "Jane" in caught.value.message(show_ids=True)


@pytest.mark.parametrize(
    ("package", "write"), [("ecgdatakit", write_scp), ("pydicom", write_dicom)]
)
def test_a_package_that_is_not_installed_is_named(
    tmp_path: Path, counts: Counts, package: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a", counts, LEADS)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"{package}: install acsbench\[formats\]"):
        read_clinical_file(tmp_path / "a", "a")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xml", None, "the file does not exist"),
        ("a.xml", b"", "the format of its content is unknown"),
        ("a.pdf", b"%PDF-1.7", "the format of its content is unknown"),
        ("a.edf", b"0       ".ljust(256), "neither a WFDB record nor"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_recording_file(tmp_path / name, "a")


def test_wfdb_records_and_clinical_files_are_told_apart(tmp_path: Path, counts: Counts) -> None:
    record = first_record(wfdb_folder(tmp_path / "wfdb", 2))
    write_dicom(tmp_path / "IM1", counts, LEADS)
    for path in (record, record.with_suffix(".hea"), record.with_suffix(".dat")):
        assert not is_clinical_file(path)
    assert is_clinical_file(tmp_path / "IM1")
    record.write_bytes(b"a file of the record's name")
    assert not is_clinical_file(record)


def test_a_folder_may_mix_formats(tmp_path: Path, counts: Counts) -> None:
    folder = wfdb_folder(tmp_path, 2)
    write_muse(folder / "a.xml", counts[:8], STORED)
    write_scp(folder / "b.SCP", counts, LEADS)
    table = pd.read_csv(folder / "labels.csv")
    table.loc[0, "record"] = "a.xml"
    table.to_csv(folder / "labels.csv", index=False)
    dataset = open_wfdb_folder(folder)
    assert dataset.notes == ("ECG files that labels.csv does not name: 2",)
    recordings = [dataset.read(folder / path, "a") for path in dataset.tables.ecg["path"]]
    np.testing.assert_allclose(recordings[0].select(STORED), counts[:8] * 0.00488, atol=1e-5)
    assert recordings[1].signal.shape == (12, 5000)
    before = dataset.input_hash()
    write_muse(folder / "a.xml", counts[:8, :4000], STORED)
    assert dataset.input_hash() != before
