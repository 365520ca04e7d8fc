"""Signs, units, gains and missing samples in each clinical format."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acsbench.datasets.clinical_file import read_clinical_file
from acsbench.ecg.leads import LEADS
from acsbench.errors import DataError
from tests.datasets.clinical_writers import (
    Counts,
    dicom_code,
    dicom_group,
    write_aecg,
    write_dicom,
    write_dicom_groups,
    write_muse,
    write_scp,
)

Write = Callable[..., None]
EACH = pytest.mark.parametrize(
    "write", [write_muse, write_aecg, write_dicom, write_scp], ids=["muse", "aecg", "dicom", "scp"]
)
CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.fixture
def counts() -> Counts:
    """Ten seconds that obey Einthoven: even numbers, so that halves are whole."""
    rng = np.random.default_rng(0)
    counts = 4 * rng.integers(-3, 4, (12, 5000)).cumsum(axis=1)
    counts[:, ::400] += 4 * rng.integers(-50, 50, (12, 13))
    i, ii = counts[:2]
    counts[2:6] = ii - i, -(i + ii) // 2, i - ii // 2, ii - i // 2
    return counts


@EACH
def test_minus_avr_is_avr_with_the_other_sign(tmp_path: Path, counts: Counts, write: Write) -> None:
    stored = np.stack(
        [-counts[3] if lead == "-aVR" else counts[LEADS.index(lead)] for lead in CABRERA]
    )
    write(tmp_path / "a", stored, CABRERA, microvolts=2.5)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * 0.0025, atol=1e-5)


@EACH
@pytest.mark.parametrize("change", [0, 40])
def test_both_signs_of_avr(tmp_path: Path, counts: Counts, write: Write, change: int) -> None:
    minus = -counts[3] + change * (np.arange(5000) % 2)
    write(
        tmp_path / "a",
        [*counts, minus] if write is write_scp else np.vstack([counts, minus]),
        (*LEADS, "-aVR"),
        microvolts=2.5,
    )
    if change:
        with pytest.raises(DataError, match="aVR is there more than once, with different"):
            read_clinical_file(tmp_path / "a", "a")
    else:
        signal = read_clinical_file(tmp_path / "a", "a").signal
        np.testing.assert_allclose(signal, counts * 0.0025, atol=1e-5)


@pytest.mark.parametrize("spelling", ["AVRneg", "aVRneg", "AVRNEG", "-aVR", "MINUS_AVR"])
def test_spellings_of_minus_avr_in_aecg(tmp_path: Path, counts: Counts, spelling: str) -> None:
    write_aecg(tmp_path / "a.xml", np.vstack([counts[:3], -counts[3], counts[4:]]), LEADS)
    text = (tmp_path / "a.xml").read_text()
    (tmp_path / "a.xml").write_text(text.replace("LEAD_AVR", f"LEAD_{spelling}"))
    signal = read_clinical_file(tmp_path / "a.xml", "a").signal
    np.testing.assert_allclose(signal, counts * 0.0025, atol=1e-5)


@EACH
def test_the_lowest_number_is_a_missing_sample(
    tmp_path: Path, counts: Counts, write: Write
) -> None:
    counts[3:8, 1000:1500] = -(2**15)
    write(tmp_path / "a", counts, LEADS, microvolts=2.5)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    assert np.isnan(signal[3:8, 1000:1500]).all()
    assert np.isnan(signal).sum() == 5 * 500
    np.testing.assert_allclose(signal[:3], counts[:3] * 0.0025, atol=1e-5)


def test_a_low_number_of_aecg_can_be_an_amplitude(tmp_path: Path, counts: Counts) -> None:
    counts = counts * 50
    counts[0, 7] = -(2**15)
    write_aecg(tmp_path / "a.xml", counts, LEADS, microvolts=0.05)
    signal = read_clinical_file(tmp_path / "a.xml", "a").signal
    assert signal[0, 7] == pytest.approx(-1.6384)


@EACH
def test_a_calibration_pulse_is_cut_off(tmp_path: Path, counts: Counts, write: Write) -> None:
    pulse = np.zeros((12, 200), dtype=int)
    pulse[:, 50:150] = 400
    write(tmp_path / "a", np.hstack([counts, pulse]), LEADS, microvolts=2.5)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    assert abs(signal.shape[1] - 5000) <= 2


# DICOM


def edited(counts: Counts, edit: Callable[[Any], None]) -> Any:
    group = dicom_group(counts, LEADS, microvolts=1)
    for channel in group.ChannelDefinitionSequence:
        edit(channel)
    return group


def units(value: str, meaning: str = "") -> Callable[[Any], None]:
    def edit(channel: Any) -> None:
        channel.ChannelSensitivityUnitsSequence = [dicom_code(value, "UCUM", meaning)]

    return edit


def attributes(**values: Any) -> Callable[[Any], None]:
    def edit(channel: Any) -> None:
        for name, value in values.items():
            if value is None:
                delattr(channel, name)
            else:
                setattr(channel, name, value)

    return edit


@pytest.mark.parametrize(
    ("edit", "scale", "zero"),
    [
        (units("uV"), 1e-3, 0),
        (attributes(ChannelSensitivityCorrectionFactor=2.5), 2.5e-3, 0),
        (attributes(ChannelSensitivityCorrectionFactor=None), 1e-3, 0),
        (attributes(ChannelSensitivity="4.88", ChannelBaseline="-12"), 4.88e-3, -0.012),
        (attributes(ChannelBaseline=None), 1e-3, 0),
        (units("X1", "microvolts"), 1e-3, 0),
    ],
)
def test_amplitudes_of_dicom(
    tmp_path: Path, counts: Counts, edit: Callable[[Any], None], scale: float, zero: float
) -> None:
    write_dicom_groups(tmp_path / "a", edited(counts, edit))
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * scale + zero, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "sensitivity"), [("mV", 0.0025), ("V", 2.5e-6), ("nV", 2500), ("μV", 2.5)]
)
def test_units_of_dicom(tmp_path: Path, counts: Counts, unit: str, sensitivity: float) -> None:
    group = edited(counts, attributes(ChannelSensitivity=sensitivity))
    for channel in group.ChannelDefinitionSequence:
        units(unit.replace("μ", "u"), "volts of some size")(channel)
    write_dicom_groups(tmp_path / "a", group)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * 0.0025, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (units("mmHg"), "lead I is in 'mmHg', which is not a voltage"),
        (attributes(ChannelSensitivityUnitsSequence=None), "lead I is in an unknown unit"),
        (attributes(ChannelSensitivity=None), "gain of lead I is missing"),
        (attributes(ChannelSensitivity=0), "gain of lead I is 0"),
        (attributes(ChannelSensitivity=-1), "gain of lead I is -1"),
        (attributes(ChannelSensitivityCorrectionFactor=0), "gain of lead I is 0"),
        (units("V"), "its unit or gain is wrong"),
        (attributes(ChannelStatus="DISCONNECTED"), "no valid sample"),
        (
            attributes(ChannelSourceSequence=[dicom_code("2:62", "MDC", "Lead -aVR")]),
            r"code 'aVR' and the meaning 'Lead -aVR', which are different",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:a DICOM file gives a lead the status")
def test_amplitudes_of_dicom_that_are_unknown(
    tmp_path: Path, counts: Counts, edit: Callable[[Any], None], words: str
) -> None:
    write_dicom_groups(tmp_path / "a", edited(counts, edit))
    with pytest.raises(DataError, match=words):
        read_clinical_file(tmp_path / "a", "a")


@pytest.mark.parametrize(
    ("code", "meaning", "label"),
    [
        ("5.6.3-9-{number}", "", ""),
        ("{number}", "", ""),
        ("MDC_ECG_LEAD_{lead}", "", ""),
        ("X9", "Lead {lead} (Einthoven)", ""),
        ("X9", "{lead}, augmented voltage, right", ""),
        ("X9", "channel", "{lead}"),
        ("2:{number}", "Lead {lead}", "Channel 9"),
    ],
)
def test_names_of_dicom_channels(
    tmp_path: Path, counts: Counts, code: str, meaning: str, label: str
) -> None:
    group = dicom_group(counts, LEADS, microvolts=1)
    numbers = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
    for channel, lead, number in zip(group.ChannelDefinitionSequence, LEADS, numbers, strict=True):
        named = {"lead": lead, "number": number}
        channel.ChannelSourceSequence = [
            dicom_code(code.format(**named), "MDC", meaning.format(**named))
        ]
        channel.ChannelLabel = label.format(**named)
    write_dicom_groups(tmp_path / "a", group)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * 1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("code", "scheme", "meaning"),
    [
        ("2:65", "MDC", "aVR, negative"),
        ("65", "SCPECG", ""),
        ("X9", "99LOCAL", "aVR, inverted"),
        ("X9", "99LOCAL", "Lead aVR, augmented voltage, reversed"),
    ],
)
def test_an_opposite_lead_of_dicom(
    tmp_path: Path, counts: Counts, code: str, scheme: str, meaning: str
) -> None:
    group = dicom_group(np.vstack([counts[:3], -counts[3], counts[4:]]), LEADS, microvolts=1)
    channel = group.ChannelDefinitionSequence[3]
    channel.ChannelSourceSequence = [dicom_code(code, scheme, meaning)]
    write_dicom_groups(tmp_path / "a", group)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * 1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ChannelLabel": "-aVR"}, "the label '-aVR', which are different leads"),
        ({"ChannelLabel": "V1"}, "the label 'V1', which are different leads"),
        (
            {"ChannelSourceSequence": ("2:62", "MDC", "aVR, augmented, negative")},
            "the code 'aVR' and the meaning 'aVR \\(-\\)'",
        ),
        (
            {"ChannelSensitivityUnitsSequence": ("uV", "UCUM", "millivolt")},
            "the unit of lead aVR has the code 'uV' and the meaning 'millivolt'",
        ),
    ],
)
def test_a_channel_of_dicom_that_contradicts_itself(
    tmp_path: Path, counts: Counts, change: dict[str, str | tuple[str, str, str]], words: str
) -> None:
    group = dicom_group(counts, LEADS)
    for name, value in change.items():
        content = value if isinstance(value, str) else [dicom_code(*value)]
        setattr(group.ChannelDefinitionSequence[3], name, content)
    write_dicom_groups(tmp_path / "a", group)
    with pytest.raises(DataError, match=words):
        read_clinical_file(tmp_path / "a", "a")


def test_a_long_code_of_dicom(tmp_path: Path, counts: Counts) -> None:
    group = dicom_group(np.vstack([counts[:3], -counts[3], counts[4:]]), LEADS, microvolts=1)
    entry = group.ChannelDefinitionSequence[3].ChannelSourceSequence[0]
    del entry.CodeValue
    entry.LongCodeValue, entry.CodeMeaning = "MDC_ECG_LEAD_AVRneg", ""
    write_dicom_groups(tmp_path / "a", group)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * 1e-3, atol=1e-6)


def test_padding_of_dicom_is_missing(tmp_path: Path, counts: Counts) -> None:
    counts[2, 100:200] = 3001  # odd, as no other sample
    group = dicom_group(counts, LEADS, microvolts=1)
    group.WaveformPaddingValue = (3001).to_bytes(2, "little")
    write_dicom_groups(tmp_path / "a", group)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    assert np.flatnonzero(np.isnan(signal[2])).tolist() == list(range(100, 200))
    assert np.isfinite(signal[[0, 1, 3]]).all()


@pytest.mark.parametrize(
    ("bits", "interpretation", "number"),
    [(16, "US", "<u2"), (32, "SL", "<i4"), (32, "UL", "<u4"), (64, "SV", "<i8")],
)
def test_number_types_of_dicom(
    tmp_path: Path, counts: Counts, bits: int, interpretation: str, number: str
) -> None:
    offset = 20000 if interpretation.startswith("U") else 0
    group = edited(counts, attributes(ChannelBaseline=-offset))
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = bits, interpretation
    group.WaveformData = (counts.T + offset).astype(number).tobytes()
    write_dicom_groups(tmp_path / "a", group)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * 1e-3, atol=1e-6)


def test_big_endian_dicom(tmp_path: Path, counts: Counts) -> None:
    group = dicom_group(counts, LEADS, microvolts=1)
    group.WaveformData = counts.T.astype(">i2").tobytes()
    write_dicom_groups(tmp_path / "a", group, big_endian=True)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, counts * 1e-3, atol=1e-6)


def test_a_channel_that_is_sampled_later(tmp_path: Path, counts: Counts) -> None:
    group = dicom_group(counts, LEADS, microvolts=1)
    group.ChannelDefinitionSequence[1].ChannelSampleSkew = 3
    group.ChannelDefinitionSequence[2].ChannelTimeSkew = 0.0004  # a fifth of a sample
    write_dicom_groups(tmp_path / "a", group)
    signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal[1, 3:], counts[1] * 1e-3, atol=1e-6)
    np.testing.assert_allclose(signal[2, :-3], counts[2] * 1e-3, atol=1e-6)
    assert np.isnan(signal[1, :3]).all()


def test_channels_that_are_no_leads_may_have_any_unit(tmp_path: Path, counts: Counts) -> None:
    group = dicom_group(np.vstack([counts, counts[:1]]), (*LEADS, "I"), microvolts=1)
    channel = group.ChannelDefinitionSequence[12]
    channel.ChannelSourceSequence = [dicom_code("5.6.3-9-00", "SCPECG", "Pressure")]
    del channel.ChannelSensitivity, channel.ChannelSensitivityUnitsSequence
    write_dicom_groups(tmp_path / "a", group)
    assert read_clinical_file(tmp_path / "a", "a").signal.shape == (12, 5000)


def test_the_example_of_pydicom() -> None:
    pydicom = pytest.importorskip("pydicom")
    path = Path(pydicom.data.get_testdata_file("waveform_ecg.dcm"))
    recording = read_clinical_file(path, "a")
    reference = pydicom.dcmread(path).waveform_array(0).T / 1000
    assert recording.fs == 1000
    np.testing.assert_allclose(recording.signal, reference, atol=1e-6)


# aECG


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (r'<scale value="2.5" unit="uV"/>', '<scale value="0" unit="uV"/>', "gain of lead I is 0"),
        (r'<scale value="2.5" unit="uV"/>', '<scale nullFlavor="UNK"/>', "gain of lead I is miss"),
        (r'<scale value="2.5" unit="uV"/>', "", "gain of lead I is missing"),
        (r'<scale value="2.5" unit="uV"/>', '<scale value="2.5"/>', "in an unknown unit"),
        (r'<scale value="2.5" unit="uV"/>', '<scale value="2.5" unit="mm"/>', "'mm', which is no"),
        (r'<increment value="0.002" unit="s"/>', '<increment value="0"/>', "time increment"),
        (r'<increment value="0.002" unit="s"/>', '<increment value="2" unit="h"/>', "'h'"),
        (r"<digits>[^<]*</digits>", "<digits/>", "lead I has no digits"),
        (r"<digits>-?\d+ ", "<digits>", "numbers of samples: 4999, 5000"),
        (r"<digits>-?\d+ ", "<digits>2,5 ", "digits that are not numbers"),
        (r"<digits>-?\d+ ", "<digits>1e999 ", "digits that are not numbers"),
    ],
)
def test_faults_of_aecg(tmp_path: Path, counts: Counts, old: str, new: str, words: str) -> None:
    path = tmp_path / "a.xml"
    write_aecg(path, counts, LEADS)
    text = re.sub(old, new, path.read_text(), count=1)
    assert text != path.read_text()
    path.write_text(text)
    with pytest.raises(DataError, match=f"HL7 aECG file: .*{words}|{words}"):
        read_clinical_file(path, "a")


def test_origin_of_aecg_in_another_unit(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.xml"
    write_aecg(path, counts, LEADS)
    path.write_text(
        path.read_text().replace('<origin value="0" unit="uV"/>', '<origin value="1" unit="mV"/>')
    )
    signal = read_clinical_file(path, "a").signal
    np.testing.assert_allclose(signal, 1 + counts * 0.0025, atol=1e-5)


def test_a_lead_of_aecg_that_is_null_is_absent(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.xml"
    write_aecg(path, counts, LEADS)
    text = path.read_text()
    start = text.index("<value", text.index("MDC_ECG_LEAD_III"))
    end = text.index("</value>", start) + len("</value>")
    path.write_text(text[:start] + '<value nullFlavor="NA"/>' + text[end:])
    signal = read_clinical_file(path, "a").signal
    np.testing.assert_allclose(signal, counts * 0.0025, atol=1e-5)


@pytest.mark.parametrize(
    ("increment", "unit", "fs"),
    [(2, "ms", 500), (4000, "us", 250), (0.00417, "s", 240), (0.002778, "s", 360), (1, "ms", 1000)],
)
def test_rates_of_aecg(
    tmp_path: Path, counts: Counts, increment: float, unit: str, fs: float
) -> None:
    path = tmp_path / "a.xml"
    write_aecg(path, counts, LEADS)
    new = f'<increment value="{increment}" unit="{unit}"/>'
    path.write_text(path.read_text().replace('<increment value="0.002" unit="s"/>', new))
    assert read_clinical_file(path, "a").fs == fs


def test_a_sequence_of_aecg_that_is_no_lead_may_be_anything(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.xml"
    write_aecg(path, counts, LEADS)
    extra = (
        '<component><sequence><code code="MDC_ECG_LEAD_PACE"/><value xsi:type="SLIST_PQ">'
        "<digits>x 1</digits></value></sequence></component></sequenceSet>"
    )
    path.write_text(path.read_text().replace("</sequenceSet>", extra))
    signal = read_clinical_file(path, "a").signal
    np.testing.assert_allclose(signal, counts * 0.0025, atol=1e-5)


# GE MUSE XML


@pytest.mark.parametrize(
    ("unit", "per_bit", "scale"),
    [
        ("MICROVOLTS", "4.88", 4.88e-3),
        ("microvolts", "4,88", 4.88e-3),
        ("MILLIVOLTS", "0.0025", 2.5e-3),
        ("NANOVOLTS", "2500", 2.5e-3),
        ("uV", "2.5", 2.5e-3),
        ("µV", "2.5", 2.5e-3),
        ("μV", "2.5", 2.5e-3),
    ],
)
def test_units_of_muse(
    tmp_path: Path, counts: Counts, unit: str, per_bit: str, scale: float
) -> None:
    path = tmp_path / "a.xml"
    write_muse(path, counts, LEADS)
    text = path.read_text().replace("MICROVOLTS", unit).replace("4.88", per_bit)
    # The micro sign is in Latin-1, the Greek letter in GBK.
    for encoding in ("utf-8", "utf-16", "gbk" if "μ" in unit else "latin-1"):
        path.write_bytes(text.replace("ISO-8859-1", encoding).encode(encoding))
        signal = read_clinical_file(path, "a").signal
        np.testing.assert_allclose(signal, counts * scale, rtol=1e-5, atol=1e-6)


def test_a_rate_of_muse_with_an_exponent(tmp_path: Path, counts: Counts) -> None:
    path = tmp_path / "a.xml"
    write_muse(path, counts, LEADS)
    text = path.read_text().replace("<SampleBase>500", "<SampleBase>5")
    path.write_text(text.replace("<SampleExponent>0", "<SampleExponent>2"))
    assert read_clinical_file(path, "a").fs == 500


@pytest.mark.parametrize(
    ("size", "number", "lowest"), [(4, "<i4", -(2**31)), (1, "<i1", -(2**7)), (2, "<i2", -(2**15))]
)
def test_sample_sizes_of_muse(
    tmp_path: Path, counts: Counts, size: int, number: str, lowest: int
) -> None:
    path = tmp_path / "a.xml"
    counts = np.clip(counts // 8, -100, 100)
    counts[4, :9] = lowest
    write_muse(path, np.zeros_like(counts), LEADS, microvolts=10)
    text = path.read_text().replace("<LeadSampleSize>2", f"<LeadSampleSize>{size}")
    text = re.sub(
        r"<LeadByteCountTotal>\d+</LeadByteCountTotal>|<LeadDataCRC32>\d+<[^>]*>", "", text
    )
    start = text.index("Rhythm")
    rows = iter(counts)

    def data(match: re.Match[str]) -> str:
        payload = next(rows).astype(number).tobytes()
        return (
            f"<LeadDataCRC32>{zlib.crc32(payload)}</LeadDataCRC32>"
            f"<WaveFormData>{base64.b64encode(payload).decode()}</WaveFormData>"
        )

    rhythm = re.sub(r"<WaveFormData>[^<]*</WaveFormData>", data, text[start:])
    path.write_text(text[:start] + rhythm)
    signal = read_clinical_file(path, "a").signal
    assert np.isnan(signal[4, :9]).all()
    np.testing.assert_allclose(signal[:, 9:], counts[:, 9:] * 0.01, atol=1e-5)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("<LeadOff>TRUE</LeadOff>", "marks a lead as off"),
        ("<FirstSampleBaseline>7</FirstSampleBaseline>", "states FirstSampleBaseline"),
    ],
)
def test_remarks_of_muse_are_shown(tmp_path: Path, counts: Counts, extra: str, words: str) -> None:
    path = tmp_path / "Doe-Jane.xml"
    write_muse(path, counts, LEADS)
    path.write_text(path.read_text().replace("<LeadSampleSize>2", extra + "<LeadSampleSize>2"))
    with pytest.warns(UserWarning, match=words) as caught:
        read_clinical_file(path, "a")
    assert not any("Doe" in str(warning.message) for warning in caught)


# SCP-ECG and Sierra


def test_a_multiplier_of_zero_of_scp(tmp_path: Path, counts: Counts) -> None:
    write_scp(tmp_path / "a", counts, LEADS, microvolts=0)
    with (
        pytest.warns(UserWarning, match="Section 6 amplitude multiplier is 0"),
        pytest.raises(DataError, match="SCP-ECG file: the gain of lead I is missing"),
    ):
        read_clinical_file(tmp_path / "a", "a")


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [("GB2312", "gbk"), ("Big5", "big5"), ("UTF-8", "utf-16-le"), ("UTF-16", "utf-8")],
)
def test_sierra_in_other_encodings(tmp_path: Path, cases: Path, encoding: str, codec: str) -> None:
    original = cases.parent / "formats" / "sierra" / "129DYPRG.XML"
    text = original.read_text(encoding="utf-8")
    text = re.sub(r'encoding="[^"]*"', f'encoding="{encoding}"', text, count=1)
    (tmp_path / "a.xml").write_bytes(text.encode(codec, errors="replace"))
    np.testing.assert_array_equal(
        read_clinical_file(tmp_path / "a.xml", "a").signal,
        read_clinical_file(original, "a").signal,
    )


def test_dicom_alone_shows_no_warning(
    tmp_path: Path, counts: Counts, recwarn: pytest.WarningsRecorder
) -> None:
    write_dicom(tmp_path / "a", counts, LEADS)
    read_clinical_file(tmp_path / "a", "a")
    assert not recwarn.list
