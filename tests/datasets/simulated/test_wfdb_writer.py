import numpy as np
import pandas as pd
import pytest
import wfdb
import yaml

from acsbench.datasets.simulated import wfdb_writer
from acsbench.datasets.simulated.population import simulate_patients, waveform_rng
from acsbench.datasets.simulated.simulate import EcgParameters, simulate_recording
from acsbench.datasets.simulated.wfdb_writer import digitise, write_record, write_wfdb_folder
from acsbench.ecg.leads import LEADS, einthoven_residual
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulated") / "new" / "demo"
    write_wfdb_folder(path, 12, seed=7)
    return path


def assert_checksums(read):
    """The format has them with sign, wfdb computes them without."""
    assert all(-0x8000 <= checksum < 0x8000 for checksum in read.checksum)
    assert read.calc_checksum() == [checksum % 0x10000 for checksum in read.checksum]


def test_wfdb_reads_what_was_simulated(folder):
    labels = pd.read_csv(folder / "labels.csv")
    _, parameters = simulate_patients(12, seed=7)
    for index, (ecg, record) in enumerate(zip(parameters, labels["record"], strict=True)):
        read = wfdb.rdrecord(str(folder / record), physical=False)
        assert read.sig_name == list(LEADS)
        assert (read.fs, read.sig_len, read.units) == (500, 5000, ["mV"] * 12)
        assert read.fmt == ["16"] * 12
        assert read.adc_gain == [1000.0] * 12
        assert read.comments == ["simulated"]
        assert_checksums(read)
        assert read.init_value == read.d_signal[0].tolist()
        recording = simulate_recording(ecg, waveform_rng(7, index))
        np.testing.assert_array_equal(read.d_signal.T, digitise(recording))
        signal = wfdb.rdrecord(str(folder / record)).p_signal.T
        np.testing.assert_allclose(signal, recording.signal, atol=0.00151)
        assert einthoven_residual(signal[:6]).max() <= 0.0005 + 1e-9


def test_labels_and_description(folder):
    labels = pd.read_csv(folder / "labels.csv")
    assert list(labels) == ["ecg_id", "patient_id", "record", "age", "sex", "acs"]
    assert len(labels) == 12
    assert set(labels["acs"]) <= {0, 1}
    assert set(labels["sex"]) <= {"female", "male"}
    assert all((folder / f"{record}.hea").is_file() for record in labels["record"])
    description = yaml.safe_load((folder / "dataset.yaml").read_text())
    assert description["name"] == "simulated"
    assert description["simulated"] is True
    assert "nothing about patients" in description["description"]


def contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    (tmp_path / "again").mkdir()  # an empty folder may be there
    written = []
    write_wfdb_folder(tmp_path / "again", 12, seed=7, progress=written.append)
    assert contents(tmp_path / "again") == contents(folder)
    assert written == list(range(1, 13))
    write_wfdb_folder(tmp_path / "other", 12, seed=8)
    assert contents(tmp_path / "other") != contents(folder)


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not an empty folder"):
        write_wfdb_folder(tmp_path, 2, seed=1)
    with pytest.raises(ConfigurationError, match="not an empty folder"):
        write_wfdb_folder(tmp_path / "kept.txt", 2, seed=1)
    assert [file.name for file in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize(("n_ecgs", "seed"), [(0, 1), (2, -1)])
def test_impossible_numbers_are_refused(tmp_path, n_ecgs, seed):
    with pytest.raises(ConfigurationError, match="at least one"):
        write_wfdb_folder(tmp_path / "x", n_ecgs, seed)


def test_nothing_half_written_stays_behind(tmp_path, monkeypatch):
    def interrupted(folder, recording):
        raise KeyboardInterrupt

    monkeypatch.setattr(wfdb_writer, "write_record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_wfdb_folder(tmp_path / "demo", 3, seed=1)
    assert not list(tmp_path.iterdir())


def test_voltages_beyond_16_bits_are_clipped_not_wrapped(tmp_path):
    recording = simulate_recording(EcgParameters("sim-e000000"), seed=1)
    write_record(tmp_path, Recording("sim-e000000", 100 * recording.signal, 500))
    read = wfdb.rdrecord(str(tmp_path / "sim-e000000"), physical=False)
    assert read.d_signal.max() == 32767
    assert read.d_signal.min() > -32768
    assert_checksums(read)
