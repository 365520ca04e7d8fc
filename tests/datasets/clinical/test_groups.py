from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from acsbench.datasets.clinical.groups import Group, Strip, joined
from acsbench.ecg.leads import LEADS
from acsbench.errors import DataError

FS = 100.0
WHOLE = np.random.default_rng(3).normal(size=(12, 1000))
COLUMNS = [LEADS[n : n + 3] for n in (0, 3, 6, 9)]


def group(
    leads: Sequence[str],
    start: float | None = 0.0,
    seconds: float = 2.5,
    *,
    shown: float | None = None,
    fs: float = FS,
    kind: Literal["original", "derived", "averaged"] = "original",
) -> Group:
    """Leads of `WHOLE` from `start` on; `shown` is the start that the file states."""
    begin = round((start or 0) * FS)
    part = slice(begin, begin + round(seconds * FS))
    stated = start if shown is None else shown
    strips = [Strip(lead, WHOLE[LEADS.index(lead), part], "mV", fs, stated) for lead in leads]
    return Group(tuple(strips), kind)


def signal(strips: Sequence[Strip]) -> NDArray[np.float64]:
    by_name = {strip.name: strip.samples for strip in strips}
    assert len(by_name) == len(strips)
    assert {strip.fs for strip in strips} == {FS}
    return np.stack([by_name[lead] for lead in LEADS])


def test_four_groups_of_three_leads() -> None:
    found = signal(joined([group(leads, 2.5 * n) for n, leads in enumerate(COLUMNS)]))
    for row in range(12):
        part = slice(250 * (row // 3), 250 * (row // 3) + 250)
        np.testing.assert_array_equal(found[row, part], WHOLE[row, part])
        assert np.isfinite(found[row]).sum() == 250


@pytest.mark.parametrize("first", [0.0, 37.2, -3.0, 1e9])
def test_a_rhythm_strip_counts_where_the_lead_is_also_in_a_column(first: float) -> None:
    groups = [group(leads, 2.5 * n, shown=first + 2.5 * n) for n, leads in enumerate(COLUMNS)]
    groups.insert(2, group(("II",), 0, 10, shown=first))
    # The column shows the lead after another filter.
    column = groups[0].strips[1]
    column.samples[:] = column.samples + 0.01
    try:
        found = signal(joined(groups))
    finally:
        column.samples[:] = column.samples - 0.01
    np.testing.assert_allclose(found[1], WHOLE[1], atol=0.02)
    assert np.isfinite(found[1]).all()
    assert np.isfinite(found[0]).sum() == 250


def test_what_a_rhythm_strip_lacks_comes_from_the_column() -> None:
    groups = [group(leads, 2.5 * n) for n, leads in enumerate(COLUMNS)]
    strip = group(("V6",), 0, 9)
    strip.strips[0].samples.flags.writeable = False
    found = signal(joined([*groups, strip]))
    np.testing.assert_array_equal(found[11], WHOLE[11])


def test_six_and_six_leads_in_any_order() -> None:
    found = signal(joined([group(LEADS[6:], 5, 5), group(LEADS[:6], 0, 5)]))
    np.testing.assert_array_equal(found[:6, :500], WHOLE[:6, :500])
    np.testing.assert_array_equal(found[6:, 500:], WHOLE[6:, 500:])
    assert np.isnan(found[:6, 500:]).all()


def test_groups_of_the_same_time() -> None:
    found = signal(joined([group(leads, 0, 10) for leads in COLUMNS]))
    np.testing.assert_array_equal(found, WHOLE)


def test_the_longest_complete_group_is_the_ecg() -> None:
    groups = [group(LEADS, None, 2.5), group(("II",), None, 10), group(LEADS, None, 9)]
    with pytest.warns(UserWarning, match=r"not used \(original, 1 leads, 10 s\)"):
        found = signal(joined(groups))
    np.testing.assert_array_equal(found, WHOLE[:, :900])


def test_eight_leads_are_complete() -> None:
    eight = ("aVF", "aVL", *LEADS[6:])
    with pytest.warns(UserWarning, match="further waveform"):
        strips = joined([group(LEADS, None, 5), group(eight, None, 10)])
    assert [strip.name for strip in strips] == list(eight)


@pytest.mark.parametrize("kind", ["derived", "averaged", "original"])
def test_a_short_group_is_an_averaged_beat(
    kind: Literal["original", "derived", "averaged"], recwarn: pytest.WarningsRecorder
) -> None:
    columns = [group(leads, 2.5 * n) for n, leads in enumerate(COLUMNS)]
    assert signal(joined([group(LEADS, None, 1.2, kind=kind), *columns])).shape == (12, 1000)
    assert not recwarn.list


def test_an_original_group_counts_before_a_longer_derived_one() -> None:
    with pytest.warns(UserWarning, match=r"not used \(derived, 12 leads, 10 s\)"):
        strips = joined([group(LEADS, None, 10, kind="derived"), group(LEADS, None, 5)])
    assert len(strips[0].samples) == 500


def test_derived_waveforms_alone_are_read_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="derived waveforms only"):
        strips = joined([group(LEADS, None, 10, kind="derived")])
    assert len(strips) == 12


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([], "no recorded waveform$"),
        ([Group((), "averaged")], "only averaged beats"),
        ([group(LEADS, None, 1.2, kind="derived")], "only averaged beats"),
        ([group(leads, None) for leads in COLUMNS], r"\(4 waveform groups\).* does not say when"),
        ([group(COLUMNS[0]), *[group(c, None) for c in COLUMNS[1:]]], "does not say when"),
        (
            [group(c, 2.5 * n, shown=60.0 * n) for n, c in enumerate(COLUMNS)],
            "182 s, with gaps",
        ),
        ([group(c, 2.5 * n, shown=1e300 * n) for n, c in enumerate(COLUMNS)], " s, with gaps"),
        (
            [group(LEADS[:6]), group(LEADS[6:], 0, 10, fs=250)],
            "rates: 100 and 250 Hz",
        ),
        ([Group((*group(LEADS[:6]).strips, *group(LEADS[6:], 0, 3).strips))], "250, 300"),
    ],
)
def test_what_cannot_be_joined_is_refused(groups: list[Group], words: str) -> None:
    with pytest.raises(DataError) as caught:
        joined(groups)
    assert re.search(words, caught.value.problem)


def test_groups_of_another_rate_that_are_not_needed() -> None:
    strip = group(("II",), 0, 10, fs=50)
    with pytest.warns(UserWarning, match="1 leads, 20 s"):
        found = signal(joined([strip, group(LEADS[:6], 0, 5), group(LEADS[6:], 5, 5)]))
    assert np.isnan(found[1, 500:]).all()


def test_a_lead_that_is_there_twice_stays_twice() -> None:
    strips = joined([Group((*group(LEADS).strips, *group(("V6",)).strips))])
    assert [strip.name for strip in strips].count("V6") == 2


def test_signals_that_are_no_leads_are_left_to_the_message() -> None:
    strips = [Strip(name, WHOLE[0], "mV", FS, start) for start, name in enumerate(("X", "Y"))]
    assert [strip.name for strip in joined([Group(tuple(strips))])] == ["X", "Y"]


def test_strips_in_another_unit_are_not_merged() -> None:
    column = Group((Strip("II", WHOLE[1, :250], "mmHg", FS, 0.0), *group(LEADS[2:6]).strips))
    strips = joined([column, group(("II",), 0, 10), group(LEADS[6:], 5, 5)])
    assert {strip.unit for strip in strips if strip.name == "II"} == {"mV", "mmHg"}


def test_signs_are_told_apart() -> None:
    strips = [*group(LEADS[:6], 0, 5).strips, Strip("-aVR", WHOLE[3, :500], "mV", FS, 0.0)]
    names = [strip.name for strip in joined([Group(tuple(strips)), group(LEADS[6:], 5, 5)])]
    assert sorted(names) == sorted([*LEADS, "-aVR"])
