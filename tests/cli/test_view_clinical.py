import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from acsbench.ecg.leads import LEADS
from tests.cli.test_cli import run
from tests.datasets.clinical_writers import write_dicom, write_scp


@pytest.fixture
def dicom(tmp_path: Path) -> Path:
    """Ten seconds of noise with a spike each second."""
    counts = np.random.default_rng(0).integers(-20, 20, (12, 5000))
    counts[:, ::500] += 800
    write_dicom(tmp_path / "IM1.DCM", counts, LEADS)
    return tmp_path / "IM1.DCM"


def test_view_draws_a_clinical_file(dicom: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dicom.parent)
    assert run("view", dicom) == 0
    assert (dicom.parent / "IM1.png").read_bytes().startswith(b"\x89PNG")
    assert run("view", dicom, "--out", "page.svg") == 0
    page = (dicom.parent / "page.svg").read_text()
    assert "IM1" in page
    assert "simulated" not in page.casefold()
    assert "4711" not in page  # the patient's id in the file


def test_remarks_of_the_decoder_are_shown_in_one_line(dicom: Path) -> None:
    counts = np.random.default_rng(0).integers(-20, 20, (12, 5000))
    counts[:, ::500] += 800
    record = dicom.parent / "Doe-Jane.scp"
    write_scp(record, counts, LEADS)
    content = bytearray(record.read_bytes())
    content[0] ^= 1  # the sum over the record
    record.write_bytes(content)
    program = "import sys; from acsbench.cli.main import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "view", str(record)]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=dicom.parent, check=True)
    assert shown.stderr == "Warning: SCP-ECG CRC mismatch in: record\n"


def test_a_damaged_file_is_told_and_leaves_nothing(
    dicom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dicom.write_bytes(dicom.read_bytes()[:4000])
    assert run("view", dicom, "--out", dicom.parent / "page.png") == 2
    assert "DICOM" in capsys.readouterr().err
    assert list(dicom.parent.iterdir()) == [dicom]


def test_a_full_disk_spares_the_picture_that_was_there(
    dicom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = dicom.parent / "page.png"
    picture.write_bytes(b"before")

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert run("view", dicom, "--out", picture) != 0
    assert picture.read_bytes() == b"before"
    assert sorted(dicom.parent.iterdir()) == [dicom, picture]


def test_the_help_names_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("view", "--help") == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name in ("WFDB", "Philips Sierra XML", "GE MUSE XML", "DICOM", "HL7 aECG", "SCP-ECG"):
        assert name in said
