"""Ages as hospitals and devices write them."""

import numpy as np
import pandas as pd
import pytest

from acsbench.datasets.ages import open_classes, read_ages


def age(text):
    return read_ages(pd.Series([text])).iloc[0]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        *[
            (t, 90)
            for t in (">89", "> 89", " >89 ", "＞89", "over 89", ">89 years", "older than 89")
        ],
        *[(t, 90) for t in ("90+", "90 +", ">=90", "≥90", "≥ 90", "=>90", "at least 90", "90.0+")],
        *[
            (t, 90)
            for t in ("90 or older", "90 and over", "90 years and older", "90y+", "90 OR MORE")
        ],
        *[(t, 89) for t in ("89+", "≥89", "89 or older", "89＋")],
        *[
            (t, 54)
            for t in ("54", "54.0", "054Y", "54 years", "54y", "54 yrs", "54 yo", "54 Years old")
        ],
        *[(t, 1.5) for t in ("18 months", "018M", "18 mo", "1.5", "18 mths")],
        *[(t, 10 / 365.25) for t in ("10 days", "010D", "10 d")],
        *[(t, 21 / 365.25) for t in ("3 weeks", "003W", "3 wk")],
        ("0", 0),
        ("0 years", 0),
    ],
)
def test_ages_are_read(text, years):
    assert age(text) == pytest.approx(years)


@pytest.mark.parametrize(
    "text",
    [
        *("", "old", "adult", "> 50", "50+", "<1", "60-69", "45,5", "18 m", "-5 years"),
        *(">89 months", "89 beats", "1.2.3", "54Y3", ">", "+", "two", None),
    ],
)
def test_other_words_are_no_age(text):
    assert np.isnan(age(text))
    assert not open_classes(pd.Series([text])).iloc[0]


def test_columns_keep_their_index_and_may_hold_numbers():
    mixed = pd.Series([63, ">89", None, "054Y", np.nan, 71.5], index=[4, 2, 9, 0, 1, 7])
    found = read_ages(mixed)
    assert list(found.index) == list(mixed.index)
    np.testing.assert_array_equal(found, [63, 90, np.nan, 54, np.nan, 71.5])
    assert open_classes(mixed).tolist() == [False, True, False, False, False, False]
    pd.testing.assert_series_equal(read_ages(pd.Series([1.0, np.nan])), pd.Series([1.0, np.nan]))
