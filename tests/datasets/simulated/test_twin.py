"""The folder that `simulate_twin` writes: layout, bytes, holdout, waveforms."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from acsbench.datasets.simulated import twin
from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.errors import ConfigurationError

ECGS, HELD_OUT = 72, 18
V1 = Path("ed-bwh-ecg") / "v1"
COLUMNS = {
    "patient": "patient_ngsci_id sex race_black race_hispanic race_white race_other "
    "agi_under_25k agi_25k_to_50k agi_50k_to_75k agi_75k_to_100k agi_100k_to_200k agi_above_200k",
    "ed-encounter": "ed_enc_id patient_ngsci_id start_datetime end_datetime age_at_admit "
    "macetrop_030_pos death_030_day macetrop_pos_or_death_030 stent_010_day cabg_010_day "
    "stent_or_cabg_010_day ami_day_of days_to_ami maxtrop_sameday tn_group_sameday disch_disp "
    "disch_obs test_010_day stress_010_day cath_010_day days_to_stress days_to_cath first_test "
    "excl_flag_c_int excl_flag_chronic excl_flag_death exclude_modeling exclude",
    "ecg-metadata": "patient_ngsci_id ecg_id date p-r-t_axes p_axes r_axes t_axes pr_interval "
    "pr_interval_units qrs_duration qrs_duration_units qt_interval qt_interval_units "
    "qtc_interval qtc_interval_units vent_rate vent_rate_units qtqtc has_bbb has_afib has_st "
    "has_pacemaker has_lvh has_normal has_normal_ecg has_normal_sinus has_depress has_st_eleva "
    "has_twave has_aberran_bbb has_jpoint_repol has_jpoint_eleva has_twave_inver "
    "has_twave_abnormal has_nonspecific has_rhythm_disturbance has_prolonged_qt "
    "has_lead_reversal has_poor_or_quality",
    "ecg-ed-enc": "ecg_id ed_enc_id",
    "ecg-npy-index": "ecg_id npy_index",
}


def simulate(folder, **options):
    simulate_twin(
        folder,
        **{"ecgs": ECGS, "seed": 5, "tested_share": 0.5, "holdout_share": 0.25} | options,
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("simulated") / "twin")


@pytest.fixture(scope="module")
def tables(folder):
    return {name: pd.read_csv(folder / V1 / f"{name}.csv") for name in COLUMNS}


def contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def waveforms(folder):
    found = {}
    for file in sorted((folder / "ecg-waveforms-npz").rglob("*.npz")):
        assert file.parent.name == file.name[:2]
        found[f"ecg{file.stem}"] = file
    return found


def test_columns_in_their_order(tables):
    for name, columns in COLUMNS.items():
        assert list(tables[name]) == columns.split(), name
    assert [len(COLUMNS[name].split()) for name in list(COLUMNS)[:3]] == [12, 28, 39]


def test_keys(tables):
    patient, encounter, ecg = (tables[name] for name in list(COLUMNS)[:3])
    assert patient["patient_ngsci_id"].str.fullmatch(r"pat[0-9a-f]{8}").all()
    assert ecg["ecg_id"].str.fullmatch(r"ecg[0-9a-f]{10}").all()
    for table, key in ((patient, "patient_ngsci_id"), (encounter, "ed_enc_id"), (ecg, "ecg_id")):
        assert table[key].is_unique
    for table in (encounter, ecg):
        assert table["patient_ngsci_id"].isin(patient["patient_ngsci_id"]).all()
    links = tables["ecg-ed-enc"]
    assert links["ecg_id"].is_unique
    assert links["ecg_id"].isin(ecg["ecg_id"]).all()
    assert len(links) < len(ecg)  # some ECGs belong to no visit
    visits = encounter.set_index("ed_enc_id")["patient_ngsci_id"]
    owners = ecg.set_index("ecg_id")["patient_ngsci_id"]
    assert (visits[links["ed_enc_id"]].to_numpy() == owners[links["ecg_id"]].to_numpy()).all()
    index = tables["ecg-npy-index"]
    assert sorted(index["npy_index"]) == list(range(len(ecg)))
    assert set(index["ecg_id"]) == set(ecg["ecg_id"])


def test_waveforms(folder, tables):
    files = waveforms(folder / V1)
    assert set(files) == set(tables["ecg-metadata"]["ecg_id"])
    shown = np.zeros(15)
    for file in files.values():
        with np.load(file, allow_pickle=False) as archive:
            (page,) = (archive[name] for name in archive.files)
        assert page.shape == (15, 5000)
        assert page.dtype == np.float32
        printed = page[np.isfinite(page)].astype(float)
        np.testing.assert_allclose(printed, np.round(printed / 0.005) * 0.005, atol=1e-6)
        shown += np.isfinite(page).mean(axis=1)
        for lead, row in enumerate(page[:12]):
            where = np.flatnonzero(np.isfinite(row))
            quarter = 1250 * (lead // 3)
            assert not len(where) or (where[0] >= quarter - 6 and where[-1] < quarter + 1256)
    np.testing.assert_allclose(shown / len(files), [0.25] * 12 + [1.0] * 3, atol=0.02)


def test_strips_are_the_smoothed_rhythm_strips(folder, tables):
    strips = np.load(folder / V1 / "ecg-waveform.npy", mmap_mode="r", allow_pickle=False)
    assert strips.shape == (ECGS - HELD_OUT, 3, 1000)
    assert np.isfinite(strips).all()
    rows = tables["ecg-npy-index"].set_index("ecg_id")["npy_index"]
    for ecg_id, file in list(waveforms(folder / V1).items())[:10]:
        with np.load(file, allow_pickle=False) as archive:
            page = archive[archive.files[0]]
        for smooth, strip in zip(strips[rows[ecg_id]], page[12:, ::5], strict=True):
            whole = np.isfinite(strip)
            assert np.corrcoef(smooth[whole], strip[whole])[0, 1] > 0.9


def test_holdout(folder, tables):
    held_out = folder / "holdout"
    assert {path.name for path in held_out.iterdir()} == {"dataset.yaml", "ecg-waveforms-npz"}
    labels = pd.read_csv(folder / "holdout-labels" / "labels.csv")
    assert [path.name for path in (folder / "holdout-labels").iterdir()] == ["labels.csv"]
    assert list(labels) == ["ecg_id", "patient_id", "acs", "mace"]
    assert len(labels) == HELD_OUT
    assert set(waveforms(held_out)) == set(labels["ecg_id"])
    assert not set(labels["patient_id"]) & set(tables["patient"]["patient_ngsci_id"])
    assert not set(labels["ecg_id"]) & set(tables["ecg-metadata"]["ecg_id"])
    assert (labels["acs"].isna() ^ labels["mace"].isna()).all()
    assert set(labels["acs"].dropna()) | set(labels["mace"].dropna()) <= {0, 1}
    assert labels["acs"].notna().sum() == pytest.approx(0.61 * HELD_OUT, abs=1)


def test_every_folder_says_that_it_is_simulated(folder):
    for below in (".", V1, "holdout"):
        description = yaml.safe_load((folder / below / "dataset.yaml").read_text())
        assert description["name"] == "ed-bwh-ecg (simulated twin)"
        assert description["simulated"] is True
        assert "nothing about patients" in description["description"]


def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(folder, tmp_path):
    (tmp_path / "again").mkdir()  # an empty folder may be there
    done = []
    simulate(tmp_path / "again", workers=2, progress=lambda *counts: done.append(counts))
    assert contents(tmp_path / "again") == contents(folder)
    assert done[-1] == (ECGS, ECGS)
    assert sorted(done) == done
    simulate(tmp_path / "other", seed=6, tables_only=True)
    for name in COLUMNS:
        other = (tmp_path / "other" / V1 / f"{name}.csv").read_bytes()
        assert other != (folder / V1 / f"{name}.csv").read_bytes()


def test_tables_are_the_same_without_waveforms(folder, tmp_path):
    bare = contents(simulate(tmp_path / "bare", tables_only=True))
    whole = contents(folder)
    assert set(whole) - set(bare) == {
        name for name in whole if re.search(r"\.np[yz]$", name) is not None
    }
    assert all(whole[name] == content for name, content in bare.items())


def test_a_holdout_does_not_change_the_layout_of_the_rest(tmp_path):
    simulate(tmp_path / "twin", holdout_share=0.0, tables_only=True)
    assert {path.name for path in (tmp_path / "twin").iterdir()} == {"dataset.yaml", "ed-bwh-ecg"}


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not an empty folder"):
        simulate(tmp_path)
    with pytest.raises(ConfigurationError, match="not an empty folder"):
        simulate(tmp_path / "kept.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"ecgs": 0}, "at least one ECG"),
        ({"seed": -1}, "no negative seed"),
        ({"workers": 0}, "one worker"),
        ({"tested_share": 1.5}, "tested share"),
        ({"holdout_share": 1.0}, "holdout share"),
        ({"ecgs": 2, "holdout_share": 0.9}, "takes all"),
    ],
)
def test_impossible_numbers_are_refused(tmp_path, wrong, why):
    with pytest.raises(ConfigurationError, match=why):
        simulate(tmp_path / "twin", **wrong)
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_stays_behind(tmp_path, monkeypatch):
    def interrupted(path, page):
        raise KeyboardInterrupt

    monkeypatch.setattr(twin, "write_npz", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "twin")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ecgs", [1, 2, 5, 20])
@pytest.mark.parametrize("tested_share", [None, 0.0, 0.5, 1.0])
def test_small_numbers_work(tmp_path, ecgs, tested_share):
    simulate(
        tmp_path / "twin", ecgs=ecgs, tested_share=tested_share, holdout_share=0, tables_only=True
    )
    assert len(pd.read_csv(tmp_path / "twin" / V1 / "ecg-metadata.csv")) == ecgs
