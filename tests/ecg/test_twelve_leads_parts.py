from itertools import combinations

import numpy as np
import pytest

from acsbench.ecg.einthoven import contradict_einthoven, leads_i_and_ii
from acsbench.ecg.lead_priors import PREDICTED, LeadPriors, Moments, fit_weights, lead_priors
from acsbench.ecg.lead_regression import bridge_gaps, join, moments
from acsbench.ecg.leads import limb_leads
from acsbench.ecg.median_beat import repeat_median_beat
from acsbench.ecg.strip_features import FEATURES, strip_features


def page_of(limb: np.ndarray, strip: np.ndarray) -> np.ndarray:
    """A page with nothing but limb leads and the strip of II, shape (15, samples)."""
    page = np.full((15, limb.shape[1]), np.nan)
    page[:6], page[13] = limb, strip
    return page


def i_and_ii(limb: np.ndarray, strip: np.ndarray) -> np.ndarray:
    page = page_of(limb, strip)[None]
    return leads_i_and_ii(page, np.isfinite(page))[0]


@pytest.mark.parametrize("pair", list(combinations(range(6), 2)))
def test_any_two_limb_leads_tell_i_and_ii(pair: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    limb = limb_leads(*rng.normal(size=(2, 20)))
    some = np.full((6, 20), np.nan)
    some[list(pair)] = limb[list(pair)]
    np.testing.assert_allclose(i_and_ii(some, np.full(20, np.nan)), limb[:2], atol=1e-12)


def contradicts(pages: np.ndarray) -> np.ndarray:
    printed = np.isfinite(pages)
    return contradict_einthoven(pages, printed, leads_i_and_ii(pages, printed))


@pytest.mark.parametrize("seed", range(8))
def test_a_page_contradicts_einthoven_or_not_whatever_is_beside_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    beside, page = np.full((2, 15, 5000), np.nan, dtype=np.float32)
    for raw in (beside, page):
        raw[:6] = limb_leads(*(2 + rng.normal(0, 0.2, (2, 5000))))
    low, high = 1.0, 2.0
    lead_ii = page[1].copy()

    def with_gain(gain: float) -> np.ndarray:
        page[1] = 2 + np.float32(gain) * (lead_ii - 2)
        return page[None]

    assert not contradicts(with_gain(low))[0]
    assert contradicts(with_gain(high))[0]
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if contradicts(with_gain(middle))[0] else (middle, high)
    # Around the gain at which the answer changes, the last bit of a sum decides.
    for step in range(-40, 41):
        alone = with_gain(high + step * 1e-7)
        assert contradicts(alone)[0] == contradicts(np.concatenate([alone, beside[None]]))[0]


def test_one_limb_lead_tells_itself_at_most() -> None:
    nothing, values = np.full((6, 4), np.nan), np.arange(4.0)
    np.testing.assert_array_equal(i_and_ii(nothing, values), [np.full(4, np.nan), values])
    assert np.isnan(i_and_ii(nothing, np.full(4, np.nan))).all()
    third = nothing.copy()
    third[2] = values
    assert np.isnan(i_and_ii(third, np.full(4, np.nan))).all()
    # The strip and the lead of II are averaged; where one is missing the other stands.
    twice = nothing.copy()
    twice[1] = [1, np.nan, 1, 1]
    np.testing.assert_allclose(i_and_ii(twice, np.array([3, 3, np.nan, 3]))[1], [2, 3, 1, 2])


def columns_of(strips: np.ndarray, peaks: list[int]) -> np.ndarray:
    """The columns of one page at 500 Hz."""
    features = strip_features(strips[None], [np.array(peaks, dtype=np.int64)], 500)
    return next(features.columns())


def test_prediction_is_the_weighted_sum_of_the_columns() -> None:
    rng = np.random.default_rng(0)
    strips = rng.normal(0, 0.2, (2, 3, 1501))
    peaks = [np.array([100, 480, 900, 1490]), np.array([700])]
    features = strip_features(strips, peaks, 500)
    columns = np.stack([of_page.copy() for of_page in features.columns()])
    assert columns.shape == (2, FEATURES, 1501)
    weights = rng.normal(size=(2, 4, FEATURES)).astype(np.float32)
    np.testing.assert_allclose(features.predict(weights), weights @ columns, atol=1e-4)
    for thinned, whole in zip(features.columns(2), columns, strict=True):
        np.testing.assert_array_equal(thinned, whole[:, ::2])


def test_beat_columns_repeat_with_the_beat_and_stretch_with_its_interval() -> None:
    strips = np.random.default_rng(0).normal(0, 0.2, (3, 5000))
    beats = columns_of(strips, [500, 1000, 1500, 2500, 3500])[21:52]
    np.testing.assert_allclose(beats[:, 940:1140], beats[:, 1440:1640], atol=1e-6)
    # The beat at 2500 follows 2 s after the last, so that its T wave is sqrt(2) as late.
    at = int(np.argmax(beats[27, 1500:2000])), int(np.argmax(beats[27, 2500:3000]))
    assert at[1] - 40 == pytest.approx((at[0] - 40) * np.sqrt(2), abs=2)


def test_no_beat_no_beat_columns() -> None:
    strips = np.random.default_rng(0).normal(0, 0.2, (3, 1500))
    assert not columns_of(strips, [])[21:52].any()


def priors_of(mean: np.ndarray, covariance: np.ndarray) -> LeadPriors:
    one = np.ones(1)
    return LeadPriors(mean[None], np.linalg.cholesky(covariance)[None], 0 * one, one)


def moments_of(columns: np.ndarray, lead: np.ndarray) -> Moments:
    return Moments(
        (columns @ columns.T)[None],
        (columns @ lead)[None],
        np.array([lead @ lead]),
        np.array([float(len(lead))]),
    )


def test_weights_are_the_mean_of_the_posterior() -> None:
    rng = np.random.default_rng(0)
    columns, mean = rng.normal(size=(4, 30)), rng.normal(size=4)
    root = rng.normal(size=(4, 4))
    covariance = root @ root.T + 0.1 * np.eye(4)
    lead = rng.normal(size=4) @ columns + rng.normal(0, 2, 30)
    found = fit_weights(moments_of(columns, lead), priors_of(mean, covariance))[0]

    weights, share = mean, 0.3
    for _ in range(2):  # as many rounds as fit_weights
        noise = share * np.square(lead - weights @ columns).mean() + 4e-6
        share = 1.0
        # The normal distribution of lead and weights together, conditioned on the lead.
        of_lead = columns.T @ covariance @ columns + noise * np.eye(30)
        gain = covariance @ columns @ np.linalg.inv(of_lead)
        weights = mean + gain @ (lead - mean @ columns)
    np.testing.assert_allclose(found, weights, rtol=1e-7)


def test_without_samples_the_prior_stands_and_with_many_the_lead() -> None:
    rng = np.random.default_rng(0)
    mean, weights = rng.normal(size=5), rng.normal(size=5)
    priors = priors_of(mean, np.eye(5))
    columns = rng.normal(size=(5, 5000))
    fitted = fit_weights(moments_of(columns, weights @ columns), priors)[0]
    np.testing.assert_allclose(fitted, weights, atol=1e-4)
    nothing = moments_of(columns[:, :0], np.empty(0))
    np.testing.assert_array_equal(fit_weights(nothing, priors)[0], mean)


def test_moments_tell_the_squared_error() -> None:
    rng = np.random.default_rng(0)
    columns, lead, weights = rng.normal(size=(3, 40)), rng.normal(size=40), rng.normal(size=3)
    error = np.square(lead - weights @ columns).sum()
    np.testing.assert_allclose(moments_of(columns, lead).squared_error(weights[None]), error)


def test_leads_recorded_together_and_apart_have_their_own_moments() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(2, FEATURES, 60)).astype(np.float32)
    leads = rng.normal(size=(2, 3, 60)).astype(np.float32)
    chosen = np.zeros((2, 3, 60), dtype=bool)
    chosen[0, :2, 10:40] = True
    chosen[0, 1, 20:25] = False
    chosen[1, 2, 30:] = True
    leads[~chosen] = np.nan
    found = moments(columns, leads, chosen)
    assert not found.gram[0, 2].any()
    for page, lead in np.ndindex(2, 3):
        known = chosen[page, lead]
        part, values = columns[page][:, known], leads[page, lead, known]
        np.testing.assert_allclose(found.gram[page, lead], part @ part.T, atol=1e-4)
        np.testing.assert_allclose(found.projection[page, lead], part @ values, atol=1e-4)
        np.testing.assert_allclose(found.energy[page, lead], values @ values, atol=1e-4)
        assert found.samples[page, lead] == len(values)


def test_samples_may_count_as_several() -> None:
    rng = np.random.default_rng(0)
    columns, lead = rng.normal(size=(4, 30)), rng.normal(size=30)
    priors = priors_of(rng.normal(size=4), np.eye(4))
    twice = moments_of(np.hstack([columns, columns]), np.hstack([lead, lead]))
    np.testing.assert_allclose(
        fit_weights(moments_of(columns, lead), priors, counts=2.0), fit_weights(twice, priors)
    )


def test_a_lead_that_is_its_strips_exactly_has_finite_weights() -> None:
    # In single precision the Gram matrix of such a lead may not be positive definite.
    rng = np.random.default_rng(0)
    columns = np.repeat(rng.normal(size=(32, 40)), 2, axis=0).astype(np.float32)
    lead = columns[0]
    exact = moments([columns], lead[None, None], np.ones((1, 1, 40), dtype=bool))
    weights = fit_weights(exact, priors_of(np.zeros(64), 1e4 * np.eye(64)))
    np.testing.assert_allclose(weights[0, 0] @ columns, lead, atol=1e-2)


def test_shipped_priors_are_whole() -> None:
    priors = lead_priors()
    assert priors.mean.shape == (len(PREDICTED), FEATURES)
    assert priors.factor.shape == (len(PREDICTED), FEATURES, FEATURES)
    assert all(np.isfinite(part).all() for part in vars(priors).values())
    anyone = priors.of_any_lead(2)
    assert not anyone.mean.any()
    factor = priors.factor.astype(np.float64)
    second = factor @ factor.transpose(0, 2, 1)
    second += priors.mean[:, :, None] * priors.mean[:, None]
    np.testing.assert_allclose(
        anyone.factor[1] @ anyone.factor[1].T, second.mean(axis=0), atol=1e-9
    )


def test_join_leaves_no_step() -> None:
    recorded = np.full((2, 3000), np.nan)
    recorded[0, 1000:1500] = 1.0
    recorded[0, 1510:2000] = 3.0
    joined = join(recorded[None], np.isfinite(recorded)[None], np.zeros((1, 2, 3000)), 500)[0]
    assert not joined[1].any()
    np.testing.assert_array_equal(joined[0, 1000:1500], 1)
    assert np.abs(np.diff(joined[0])).max() < 0.3
    assert joined[0, 1050 - 100] == pytest.approx(np.exp(-1), rel=0.05)
    np.testing.assert_allclose(joined[0, [0, -1]], 0, atol=0.01)
    np.testing.assert_array_equal(joined[0, 1500:1510], np.sort(joined[0, 1500:1510]))


def test_short_gaps_are_bridged_and_long_ones_stay() -> None:
    signal = np.arange(20.0)[None].repeat(2, axis=0)
    signal[0, [0, 5, 6]] = np.nan
    signal[0, 10:14] = np.nan
    signal[1] = np.nan
    bridged, known = bridge_gaps(signal, np.isfinite(signal), 3)
    np.testing.assert_array_equal(known, np.isfinite(bridged))
    np.testing.assert_allclose(bridged[0, :7], [1, 1, 2, 3, 4, 5, 6])
    assert np.isnan(bridged[0, 10:14]).all()
    assert np.isnan(bridged[1]).all()


def test_median_beat_is_cut_off_at_the_ends_and_stays_away_without_a_whole_beat() -> None:
    page = np.full((15, 2000), np.nan)
    page[0, :900] = 1.0
    page[3, 900:1200] = 1.0
    leads = repeat_median_beat(page, np.array([10, 500, 1990]), 500)
    window = np.hanning(400)
    np.testing.assert_allclose(leads[0, 300:700], window)
    np.testing.assert_allclose(leads[0, :210], window[190:])
    np.testing.assert_allclose(leads[0, -210:], window[:210])
    assert not leads[[3, 1, 6, 10]].any()


def test_rounding_contradicts_nothing_but_a_gain_or_a_swap_does() -> None:
    rng = np.random.default_rng(0)
    limb = np.round(limb_leads(*rng.normal(0, 0.2, (2, 500))) / 0.005) * 0.005
    strip = limb[1].copy()

    of_pages = (
        limb,
        limb * np.array([1.2, 1, 1, 1, 1, 1])[:, None],
        limb[[2, 1, 0, 3, 5, 4]],
        np.full((6, 500), np.nan),
    )
    pages = np.stack([page_of(leads, strip) for leads in of_pages])
    printed = np.isfinite(pages)
    found = contradict_einthoven(pages, printed, leads_i_and_ii(pages, printed))
    assert found.tolist() == [False, True, True, False]


def test_priors_of_limb_leads_follow_from_that_of_lead_i() -> None:
    rng = np.random.default_rng(0)
    features = strip_features(rng.normal(0, 0.2, (1, 3, 1500)), [np.array([300, 700])], 500)
    priors = lead_priors().of_each_limb_lead()
    assert len(priors.mean) == len(priors.factor) == len(priors.noise_level) == 9
    columns = next(features.columns())
    found = priors.mean[:5] @ columns
    steady = features.steady[0, 1, max(features.lags) :][:1500]
    strip = steady + features.wander[0, 1] @ features.waves
    expected = limb_leads(lead_priors().mean[0] @ columns, strip)
    np.testing.assert_allclose(found, expected[[0, 2, 3, 4, 5]], atol=1e-5)
