from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError
from acsbench.waveforms.quality import (
    QualityChoice,
    count_faults,
    kinds_of,
    left_out_for_quality,
    write_quality_report,
)


def index_of(**faults: int) -> pd.DataFrame:
    """An index with so many ECGs of each fault."""
    reasons = [reason if reason != "none" else "" for reason, n in faults.items() for _ in range(n)]
    scores = [0.5 if reason else 1.0 for reason in reasons]
    ids = [f"ecg{number}" for number in range(len(reasons))]
    return pd.DataFrame({"ecg_id": ids, "quality": scores, "reasons": reasons})


def test_faults_without_their_leads() -> None:
    assert kinds_of("missing(V1 strip,aVF) swapped(RA/LA) rate") == ["missing", "swapped", "rate"]
    assert kinds_of("") == []


def test_small_cells_are_hidden_and_do_not_follow_from_the_rest() -> None:
    index = index_of(noisy=40, swapped=3, none=100)
    counts = count_faults(index)
    assert (counts["noisy"], counts["swapped"], counts["flat"]) == ("40", "<11", "0")
    assert counts["any"] == counts["none"] == "not shown"
    shown = count_faults(index, show_small_cells=True)
    assert (shown["swapped"], shown["any"], shown["none"]) == ("3", "43", "100")
    plain = count_faults(index_of(noisy=40, none=100))
    assert (plain["any"], plain["none"]) == ("40", "100")
    assert count_faults(index_of(noisy=40, none=3))["any"] == "not shown"


def test_the_page_says_nothing_that_says_nothing(records: Path, tmp_path: Path) -> None:
    dataset = replace(open_dataset("wfdb_folder", records), simulated=False)

    def page(index: pd.DataFrame) -> str:
        write_quality_report(tmp_path / "quality.html", index, dataset, choice=QualityChoice())
        return (tmp_path / "quality.html").read_text()

    text = page(index_of(noisy=40, swapped=3, none=400))
    assert "443 ECGs were prepared. An ECG may" in text
    assert "not shown have" not in text
    assert "score 1.00" not in text
    assert "5 % of the ECGs score 0.50 or less; the others score more." in text
    assert "400 have no fault and 40 have one or more" in page(index_of(noisy=40, none=400))
    assert "The score is" not in page(index_of(none=400))


def test_what_is_left_out() -> None:
    index = index_of(noisy=2, rate=1, none=3)
    assert not left_out_for_quality(index, QualityChoice())
    by_reason = left_out_for_quality(index, QualityChoice(reasons=("rate", "flat")))
    assert [item.ecg_id for item in by_reason] == ["ecg2"]
    assert len(left_out_for_quality(index, QualityChoice(least=0.6))) == 3
    # Ids and reasons of an ECG are private.
    assert "ecg2" not in by_reason[0].error.message()


@pytest.mark.parametrize(
    ("least", "reasons", "words"),
    [(1.5, (), "from 0 to 1"), (0.0, ("noise",), "did you mean 'noisy'")],
)
def test_an_impossible_choice(least: float, reasons: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        QualityChoice(least, reasons)


def test_the_page_shows_waveforms_only_if_asked(records: Path, tmp_path: Path) -> None:
    dataset = replace(open_dataset("wfdb_folder", records), simulated=False)
    ids = dataset.tables.ecg["ecg_id"]
    index = pd.DataFrame({"ecg_id": ids, "quality": 0.5, "reasons": "noisy(V1)"})
    page = tmp_path / "quality.html"
    write_quality_report(page, index, dataset, choice=QualityChoice())
    text = page.read_text()
    assert "<svg" not in text
    assert "None was left out" in text
    assert "Simulated" not in text
    choice = QualityChoice(0.4, ("flat",))
    write_quality_report(page, index, dataset, choice=choice, examples=2)
    text = page.read_text()
    assert text.count("<svg") == 2
    assert "Patients' waveforms are shown" in text or "Patients&#39; waveforms" in text
    assert "score below 0.4; ECGs that are flat" in text
    assert not any(ecg_id in text for ecg_id in ids)
