import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    roc_auc_score,
    roc_curve,
)

from acsbench.disclosure import SMALLEST_CELL, shown_groups
from acsbench.errors import DataError
from acsbench.leaderboard import score_submission
from acsbench.leaderboard.bands import join_bands, risk_bands, roc_points
from acsbench.leaderboard.holdout import holdout_of, public_part
from acsbench.leaderboard.rounding import rounded, rounded_scorecard
from acsbench.leaderboard.score import METRICS, metrics
from acsbench.leaderboard.scorecard import (
    SIGNS,
    Scorecard,
    check_parts,
    rows_of,
    score_predictions,
    signs_seen,
)
from acsbench.statistics import auroc, compare_auroc

ECGS = 1500


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 700, ECGS)
    risk = 1 / (1 + np.exp(-rng.normal(-0.5, 1, ECGS)))
    event = (rng.random(ECGS) < risk).astype(float)
    tested = rng.random(ECGS) < 0.6
    return pd.DataFrame(
        {
            "ecg_id": [f"ecg{k:04d}" for k in range(ECGS)],
            "patient_id": [f"pat{k}" for k in patients],
            "acs": np.where(tested, event, np.nan),
            "mace": np.where(tested, np.nan, event),
            "sex": np.where(patients % 2, "female", "male"),
            "age": 30 + patients % 60,
            **{sign: (risk + rng.random(ECGS) > 1).astype(int) for sign in SIGNS},
            "risk": risk,
        }
    )


@pytest.fixture(scope="module")
def holdout(labels):
    return holdout_of(labels.drop(columns="risk"))


@pytest.fixture(scope="module")
def risk(labels):
    return labels["risk"].to_numpy()


@pytest.fixture(scope="module")
def scorecard(holdout, risk):
    return score_predictions(holdout, {"acs": risk, "mace": 1 - risk}, public_part(holdout))


def submitted(tmp_path, **columns):
    path = tmp_path / "submission.csv"
    pd.DataFrame(columns).sample(frac=1, random_state=0).to_csv(path, index=False)
    return path


def test_values_are_those_of_scikit_learn_on_labelled_ecgs(tmp_path, labels, holdout, risk):
    path = submitted(tmp_path, ecg_id=labels["ecg_id"], acs=risk, mace=risk**2)
    scores = score_submission(path, labels.drop(columns="risk"))
    assert list(scores) == ["acs", "mace"]
    for task, probabilities in (("acs", risk), ("mace", risk**2)):
        known = labels[task].notna().to_numpy()
        truth, predicted = labels.loc[known, task], probabilities[known]
        assert list(scores[task]) == list(METRICS)
        values = {name: estimate.value for name, estimate in scores[task].items()}
        assert values["auroc"] == pytest.approx(roc_auc_score(truth, predicted))
        assert values["auprc"] == pytest.approx(average_precision_score(truth, predicted))
        assert values["brier"] == pytest.approx(brier_score_loss(truth, predicted))
        false_positives, found, _ = roc_curve(truth, predicted, drop_intermediate=False)
        assert values["sensitivity_at_90_specificity"] == pytest.approx(
            found[false_positives <= 0.1].max()
        )
        best = np.argsort(-predicted)[: len(predicted) // 20]
        assert values["yield_at_5_percent"] == pytest.approx(
            truth.iloc[best].sum() / truth.sum(), abs=0.005
        )
        of_area = auroc(truth, predicted, labels.loc[known, "patient_id"])
        assert scores[task]["auroc"] == of_area
        assert {e.groups for e in scores[task].values()} == {of_area.groups}
    assert scores == score_submission(path, holdout)


def test_probability_counts_for_each_task_that_is_asked_for(tmp_path, labels, holdout, risk):
    path = submitted(tmp_path, ecg_id=labels["ecg_id"], probability=risk)
    assert list(score_submission(path, holdout)) == ["acs", "mace"]
    assert list(score_submission(path, holdout, tasks=["mace"])) == ["mace"]
    with pytest.raises(DataError, match="no task"):
        score_submission(path, holdout, tasks=["stemi"])


def test_ecgs_without_a_label_must_be_predicted_too(tmp_path, labels, holdout, risk):
    known = labels["acs"].notna()
    path = submitted(tmp_path, ecg_id=labels.loc[known, "ecg_id"], acs=risk[known])
    with pytest.raises(DataError, match="have no prediction"):
        score_submission(path, holdout)


def test_predictions_that_separate_or_repeat_have_no_slope(holdout):
    truth = np.nan_to_num(holdout.labels["acs"])
    rows = ~np.isnan(holdout.labels["acs"])
    for probabilities in (truth, np.full(ECGS, 0.3), np.where(truth, 1e-8, 1e-9)):
        found = metrics(truth[rows], probabilities[rows], holdout.patients[rows])
        assert not np.isfinite(found["calibration_slope"].value)
        assert found["calibration_slope"].high == np.inf


def test_scorecards_survive_json_whatever_the_numbers(holdout, scorecard):
    truth = np.nan_to_num(holdout.labels["acs"])
    odd = score_predictions(holdout, {"acs": truth}, public_part(holdout))
    for card in (scorecard, odd):
        assert Scorecard.from_json(card.to_json()) == card
        json.loads(card.to_json(), parse_constant=pytest.fail)
    constant = score_predictions(holdout, {"acs": truth * 0}, public_part(holdout))
    text = constant.to_json()
    json.loads(text, parse_constant=pytest.fail)
    assert Scorecard.from_json(text).to_json() == text


def test_parts_hold_their_own_ecgs(holdout, scorecard, risk):
    public = public_part(holdout)
    assert scorecard.labels_digest == holdout.digest
    for part in ("public", "private"):
        rows = rows_of(holdout, "acs", part, public)
        truth, patients = holdout.labels["acs"][rows], holdout.patients[rows]
        score = scorecard.tasks["acs"][part]
        assert score.metrics["auroc"] == auroc(truth, risk[rows], patients)
        seen = signs_seen(holdout.covariates[rows])
        expected = compare_auroc(truth, risk[rows], seen, patients)
        assert (score.signs.difference, score.signs.p) == (expected.difference, expected.p)
        women = (holdout.covariates["sex"] == "female").to_numpy() & rows
        by_group = {(g.grouping, g.group): g.auroc for g in score.subgroups}
        assert by_group["sex", "female"] == auroc(
            holdout.labels["acs"][women], risk[women], holdout.patients[women]
        )


def test_labels_of_the_private_part_move_no_public_number(labels, holdout, scorecard, risk):
    public = public_part(holdout)
    turned = labels.drop(columns="risk").copy()
    turned.loc[~public, "acs"] = 1 - turned.loc[~public, "acs"]
    other = score_predictions(holdout_of(turned), {"acs": risk}, public)
    assert other.tasks["acs"]["public"] == scorecard.tasks["acs"]["public"]
    assert other.tasks["acs"]["private"] != scorecard.tasks["acs"]["private"]


def test_parts_that_cannot_be_scored_are_refused(holdout):
    with pytest.raises(DataError, match="private part has fewer than two patients"):
        check_parts(holdout, np.ones(ECGS, dtype=bool))
    check_parts(holdout, public_part(holdout))


@pytest.mark.parametrize(
    "words", [{1: "True", 0: "False"}, {1: "yes", 0: "no"}, {1: True, 0: False}]
)
def test_signs_are_seen_however_they_are_written(labels, risk, scorecard, words):
    flags = [name for name in labels if name.startswith("has_")]
    assert flags
    written = labels.drop(columns="risk").copy()
    for name in flags:
        written[name] = written[name].map(words).astype(object)
    holdout = holdout_of(written)
    card = score_predictions(holdout, {"acs": risk}, public_part(holdout))
    for part in ("public", "private"):
        assert card.tasks["acs"][part].signs == scorecard.tasks["acs"][part].signs


def test_without_signs_there_is_no_comparison(labels, risk):
    plain = holdout_of(labels[["ecg_id", "patient_id", "acs"]])
    card = score_predictions(plain, {"acs": risk}, public_part(plain))
    assert card.tasks["acs"]["public"].signs is None
    assert card.tasks["acs"]["public"].subgroups == ()


def test_curves_lie_on_the_exact_ones_and_are_coarse(holdout, risk):
    rows = ~np.isnan(holdout.labels["acs"])
    truth, scores, patients = holdout.labels["acs"][rows], risk[rows], holdout.patients[rows]
    false_positives, found, _ = roc_curve(truth, scores, drop_intermediate=False)
    points = roc_points(truth, scores, patients)
    assert len(points) <= 21
    assert (points[0].sensitivity, points[-1].sensitivity) == (0, 1)
    for point in points:
        near = np.abs(false_positives - point.false_positive_rate) < 0.006
        assert np.abs(found[near] - point.sensitivity).min() < 0.006
    for band in risk_bands(truth, scores, patients):
        assert band.low <= band.observed <= band.high
        assert abs(band.observed - band.predicted) < 0.15


def test_bands_hold_enough_patients_of_either_label():
    rng = np.random.default_rng(0)
    labels = (rng.random(400) < 0.1).astype(float)
    patients = rng.integers(0, 300, 400)
    joined = join_bands(rng.integers(0, 20, 400), labels, patients)
    assert joined.max() > 0
    for band in range(joined.max() + 1):
        for value in (0, 1):
            inside = (joined == band) & (labels == value)
            assert len(set(patients[inside])) >= SMALLEST_CELL
    assert (join_bands(np.arange(20), np.arange(20) % 2, np.arange(20)) == 0).all()


def test_small_groups_are_hidden_with_what_would_tell_them():
    labels = np.tile([0.0, 1.0], 200)
    patients = np.arange(400)
    groups = {"small": patients < 10, "middle": (patients >= 10) & (patients < 100)}
    groups["large"] = patients >= 100
    assert shown_groups(groups, labels, patients) == {"large"}
    assert shown_groups({"a": patients < 200, "b": patients >= 200}, labels, patients) == {"a", "b"}


def test_other_tasks_of_the_file_are_checked_and_not_scored(tmp_path, labels, risk):
    only_acs = labels[["ecg_id", "patient_id", "acs"]]
    path = submitted(tmp_path, ecg_id=labels["ecg_id"], acs=risk, mace=1 - risk)
    assert list(score_submission(path, only_acs)) == ["acs"]
    both = labels[[*only_acs, "mace"]]
    assert score_submission(path, only_acs) == score_submission(path, both, tasks=["acs"])
    path = submitted(tmp_path, ecg_id=labels["ecg_id"], mace=1 - risk)
    with pytest.raises(DataError, match="predicts no acs"):
        score_submission(path, only_acs)


def test_empty_labels_are_missing_however_they_are_written(tmp_path, labels, holdout, risk):
    table = labels.drop(columns="risk")
    texts = table.assign(
        acs=table["acs"].map(lambda label: "" if np.isnan(label) else f"{label:.0f}"),
        mace=np.nan,
        other="",
    )
    path = submitted(tmp_path, ecg_id=labels["ecg_id"], probability=risk)
    assert score_submission(path, texts) == score_submission(path, holdout, tasks=["acs"])
    with pytest.raises(DataError, match="no column with labels"):
        holdout_of(texts.drop(columns="acs"))


def test_ids_may_be_whole_numbers(tmp_path, labels, risk):
    table = labels[["patient_id", "acs"]].assign(ecg_id=np.arange(ECGS))
    path = submitted(tmp_path, ecg_id=np.arange(ECGS), acs=risk)
    as_text = table.assign(ecg_id=table["ecg_id"].astype(str))
    assert score_submission(path, table) == score_submission(path, as_text)


def test_figures_as_members_see_them_tell_no_single_labels(labels):
    """Brier to all digits would be a sum of labels times powers of two."""
    told = np.arange(24)
    holdout = holdout_of(labels[["ecg_id", "patient_id", "acs"]].dropna())
    probabilities = np.full(len(holdout.ecg_ids), 0.5)
    probabilities[told] += 2.0 ** -(told + 2)
    public = public_part(holdout)
    exact = score_predictions(holdout, {"acs": probabilities}, public)
    shown = rounded_scorecard(exact, 3)

    def decoded(card):
        parts = card.tasks["acs"].values()
        total = sum(part.metrics["brier"].value * part.metrics["brier"].n for part in parts)
        rest = np.sum(probabilities**2) - total
        # Those with p = 0.5 add the same whatever their label.
        found = []
        for k in told:
            found.append(float(rest >= 2.0 ** -(k + 1) - 1e-9))
            rest -= found[-1] * 2.0 ** -(k + 1)
        return np.array(found)

    truth = holdout.labels["acs"][told]
    assert (decoded(exact) == truth).all()
    assert (decoded(shown) == truth).mean() < 0.9
    for part in shown.tasks["acs"].values():
        of_groups = (group.auroc for group in part.subgroups if group.auroc)
        estimates = (*part.metrics.values(), *of_groups)
        for number in (getattr(e, name) for e in estimates for name in ("value", "low", "high")):
            assert abs(number) >= 10 or number == round(number, 3) or np.isnan(number)


def test_large_numbers_are_rounded_to_significant_digits():
    assert rounded(1234.5678, 3) == 1235
    assert rounded(-12.345678, 3) == -12.35
    assert rounded(9.87654, 3) == 9.877
    assert rounded(1.23456e-5, 3) == 0
    assert rounded(1e300 / 3, 3) == 3.333e299
    assert rounded(np.inf, 3) == np.inf
    assert np.isnan(rounded(np.nan, 3))
