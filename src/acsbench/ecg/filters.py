"""Band-pass filters and resampling, of many signals at once.

Filters are designed once per set of parameters and kept. Missing samples (NaN) are bridged by
straight lines before a filter and are NaN again in its result, so that a gap has no step.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal as sps

from acsbench.ecg.gaps import fill_gaps, with_gaps

Form = Literal["sections", "transfer-function"]

_BLOCK = 80
"""Samples that are filtered by one product of matrices; the fastest on one core."""
_TOGETHER = 48
"""Signals that are filtered at once, so that they stay in the processor's cache."""
_DECIMATION_ORDER = 8
"""Of the low-pass that `scipy.signal.decimate` takes."""
_SAME_TIME = 1e-6
"""Samples by which two times may differ and count as one."""


@dataclass(frozen=True, eq=False)
class _BlockFilter:
    """A recursive filter, forward and backward, as products of matrices.

    A recursion sample by sample uses a fraction of what a processor can do. The same numbers
    come from blocks: a block's output depends on its samples and on the filter's states where
    it begins (forward) and ends (backward); only these states go from block to block.

    Args:
        rest: states after a long constant signal of 1, shape (states,).
        step: the state on one side of a block to that on the other, (states, states).
        driven: a block to what it adds to the forward state after it, and to the backward state
            before it, (block, 2 × states).
        last: (block and state before it) to the last sample of the forward pass.
        crossed: the forward state before a block to what it adds to the backward state before
            it, (states, states).
        output: (block, forward state, backward state) to the output, (… , block).
    """

    rest: NDArray[np.float64]
    step: NDArray[np.float64]
    driven: NDArray[np.float64]
    last: NDArray[np.float64]
    crossed: NDArray[np.float64]
    output: NDArray[np.float64]


@lru_cache(maxsize=16)
def _butterworth_blocks(low: float, high: float, fs: float, order: int) -> _BlockFilter:
    return _in_blocks(sps.butter(order, (low, high), "bandpass", fs=fs, output="sos"))


@lru_cache(maxsize=16)
def _decimation_blocks(factor: int) -> _BlockFilter:
    return _in_blocks(sps.cheby1(_DECIMATION_ORDER, 0.05, 0.8 / factor, output="sos"))


def _in_blocks(sections: NDArray[np.float64]) -> _BlockFilter:
    """Second-order sections as products of matrices."""
    states = 2 * len(sections)
    # What unit samples and unit states give is all that there is to know of a linear filter.
    units = np.eye(_BLOCK + states)
    initial = units[:, _BLOCK:].reshape(-1, len(sections), 2).transpose(1, 0, 2)
    once, final = sps.sosfilt(sections, units[:, :_BLOCK], axis=-1, zi=initial)
    forward = final.transpose(1, 0, 2).reshape(len(units), states)
    backward = once @ forward[:_BLOCK][::-1]
    reverse = once[:_BLOCK, ::-1][::-1]
    return _BlockFilter(
        rest=sps.sosfilt_zi(sections).reshape(states),
        step=forward[_BLOCK:],
        driven=np.hstack([forward[:_BLOCK], backward[:_BLOCK]]),
        last=once[:, -1],
        crossed=backward[_BLOCK:],
        output=np.vstack([once @ reverse, once[_BLOCK:, ::-1]]),
    )


def _forward_backward(
    signals: NDArray[np.floating], design: _BlockFilter, padding: int
) -> NDArray[np.floating]:
    """What `scipy.signal.sosfiltfilt` gives of signals (n, samples), padded oddly by `padding`.

    The states are kept in double precision, also of signals in single precision.
    """
    filtered = np.empty_like(signals)
    for start in range(0, len(signals), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        filtered[part] = _filter_blocks(signals[part], design, padding)
    return filtered


def _filter_blocks(
    signals: NDArray[np.floating], design: _BlockFilter, padding: int
) -> NDArray[np.floating]:
    n, samples = signals.shape
    states, kind = len(design.rest), signals.dtype
    from_block, from_before, from_after = (
        part.astype(kind) for part in np.split(design.output, [_BLOCK, _BLOCK + states])
    )
    blocks = -(-(samples + 2 * padding) // _BLOCK)
    # What fills the first block is constant: the filter rests on it.
    begin = blocks * _BLOCK - samples - padding
    padded = np.empty((n, blocks * _BLOCK), dtype=kind)
    padded[:, begin:-padding] = signals
    first, last = signals[:, :1], signals[:, -1:]
    padded[:, begin - padding : begin] = 2 * first - signals[:, padding:0:-1]
    padded[:, : begin - padding] = padded[:, begin - padding, None]
    padded[:, -padding:] = 2 * last - signals[:, -2 : -padding - 2 : -1]

    # The last bit of a product of matrices depends on their shapes. Each signal has products of
    # its own, whose shapes depend on its length alone, so that its result does not depend on
    # the signals beside it.
    block = padded.reshape(n, blocks, _BLOCK)
    # In double precision: a rounding error in a state lasts as long as the filter remembers.
    driven = block.astype(np.float64) @ design.driven
    before = _states(design.step, driven[..., :states], padded[:, :1] * design.rest)
    end = (before[:, -1] * design.last[_BLOCK:]).sum(axis=1, keepdims=True)
    end += (block[:, -1] * design.last[:_BLOCK]).sum(axis=1, keepdims=True)
    driven = driven[..., states:] + before @ design.crossed
    after = _states(design.step, driven[:, ::-1], end * design.rest)[:, ::-1]
    output = block @ from_block
    output += before.astype(kind) @ from_before
    output += after.astype(kind) @ from_after
    return output.reshape(n, -1)[:, begin : begin + samples]


def _states(
    step: NDArray[np.float64], driven: NDArray[np.floating], state: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The states before each block, shape (n, blocks, states).

    Args:
        step: from the state before a block to that after it, (states, states).
        driven: what each block adds to that, (n, blocks, states).
        state: before the first block, (n, states).
    """
    # A product of matrices would be faster, but its last bit depends on the number of signals.
    found = np.empty((driven.shape[1], driven.shape[2], len(driven)))
    driven = np.ascontiguousarray(driven.transpose(1, 2, 0))
    parts = np.empty((*step.shape, found.shape[2]))
    found[0] = state.T
    for number in range(len(found) - 1):
        np.multiply(step[:, :, None], found[number, :, None], out=parts)
        np.add.reduce(parts, axis=0, out=found[number + 1])
        found[number + 1] += driven[number]
    return np.ascontiguousarray(found.transpose(2, 0, 1))


@lru_cache(maxsize=64)
def _butterworth_polynomials(
    low: float, high: float, fs: float, order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    numerator, denominator = sps.butter(order, (low, high), "bandpass", fs=fs, output="ba")
    return numerator, denominator


def bandpass(
    signal: ArrayLike,
    fs: float,
    low: float = 0.5,
    high: float = 50.0,
    order: int = 5,
    form: Form = "sections",
) -> NDArray[np.floating]:
    """Butterworth band-pass, forward and backward (no phase shift).

    Args:
        signal: shape (..., samples), mV, NaN where a sample is missing. Each signal's result is
            the same whatever is filtered with it. In single precision the sections take two
            thirds of the time, and the result is off by some 1e-6 mV.
        fs: sampling rate, Hz.
        low, high: the band, Hz. The study used 0.5–50 Hz at order 5, or 0.2–25 Hz at order 4.
        order: order of the Butterworth prototype.
        form: `sections` (second-order sections) is numerically sound; `transfer-function` is
            what the study ran: at these low edges its coefficients carry rounding errors.

    Returns:
        Same shape, mV, NaN where the signal is; in single precision if the signal was and the
        form is `sections`.

    Raises:
        ValueError: the band does not fit the sampling rate, or the signal is too short.
    """
    given = _floats(signal) if form == "sections" else np.asarray(signal, dtype=np.float64)
    known = np.isfinite(given)
    values = fill_gaps(given, known)
    # Both forms get the padding that SciPy gives the transfer function, so that they agree.
    padding = 3 * (2 * order + 1)
    if values.shape[-1] <= padding:
        raise ValueError(
            f"{values.shape[-1]} samples are too few to filter; more than {padding} are needed"
        )
    if not 0 < low < high < fs / 2:
        raise ValueError(f"a band of {low:g}–{high:g} Hz does not fit a rate of {fs:g} Hz")
    if form == "sections":
        signals = values.reshape(-1, values.shape[-1])
        filtered = _forward_backward(signals, _butterworth_blocks(low, high, fs, order), padding)
        return with_gaps(filtered.reshape(values.shape), known)
    numerator, denominator = _butterworth_polynomials(low, high, fs, order)
    filtered = sps.filtfilt(numerator, denominator, values, axis=-1, padlen=padding)
    return with_gaps(filtered, known)


def fir_bandpass(
    signal: ArrayLike, fs: float, low: float, high: float, order: int
) -> NDArray[np.floating]:
    """Hamming-windowed FIR band-pass, forward and backward (no phase shift).

    Args:
        signal: shape (..., samples), mV, NaN where a sample is missing.
        fs: sampling rate, Hz.
        low, high: the band, Hz; an edge that the order cannot resolve stays soft, as 0.05 Hz
            at order 150 and 500 Hz.
        order: order of the filter; made even, so that it has a middle tap.

    Returns:
        Same shape, mV, NaN where the signal is; as `scipy.signal.filtfilt` with these
        coefficients. In single precision if the signal was.

    Raises:
        ValueError: the band does not fit the sampling rate, or the signal is too short.
    """
    given = _floats(signal)
    known = np.isfinite(given)
    values = fill_gaps(given, known)
    if not 0 < low < high < fs / 2:
        raise ValueError(f"a band of {low:g}–{high:g} Hz does not fit a rate of {fs:g} Hz")
    kernel = _twice_fir(low, high, fs, order).astype(values.dtype)
    reach = len(kernel) // 2
    if values.shape[-1] <= reach:
        raise ValueError(
            f"{values.shape[-1]} samples are too few to filter; more than {reach} are needed"
        )
    left = 2 * values[..., :1] - values[..., reach:0:-1]
    right = 2 * values[..., -1:] - values[..., -2 : -reach - 2 : -1]
    padded = np.concatenate([left, values, right], axis=-1)
    kernel = kernel.reshape((1,) * (values.ndim - 1) + (-1,))
    return with_gaps(np.asarray(sps.oaconvolve(padded, kernel, mode="valid", axes=-1)), known)


@lru_cache(maxsize=16)
def _twice_fir(low: float, high: float, fs: float, order: int) -> NDArray[np.float64]:
    """Forward and backward in one symmetric kernel."""
    taps = sps.firwin(order + 1 - order % 2, (low, high), fs=fs, pass_zero=False)
    return np.asarray(np.convolve(taps, taps[::-1]))


def decimate(signal: ArrayLike, factor: int) -> NDArray[np.floating]:
    """Every `factor`-th sample after a low-pass without phase shift, each signal by itself.

    Args:
        signal: shape (..., samples), NaN where a sample is missing.
        factor: how many samples become one.

    Returns:
        Shape (..., ceil(samples / factor)), NaN where a sample that is kept was missing; as
        `scipy.signal.decimate`. In single precision if the signal was.

    Raises:
        ValueError: the signal is too short.
    """
    given = _floats(signal)
    known = np.isfinite(given)
    values = fill_gaps(given, known)
    padding = 3 * (_DECIMATION_ORDER + 1)
    if values.shape[-1] <= padding:
        raise ValueError(
            f"{values.shape[-1]} samples are too few to decimate; more than {padding} are needed"
        )
    signals = values.reshape(-1, values.shape[-1])
    thinned = _forward_backward(signals, _decimation_blocks(factor), padding)[:, ::factor]
    return with_gaps(thinned.reshape(*values.shape[:-1], -1), known[..., ::factor])


def _floats(signal: ArrayLike) -> NDArray[np.floating]:
    """The signal in single precision if it is, in double precision otherwise."""
    values = np.asarray(signal)
    return values if values.dtype == np.float32 else values.astype(np.float64)


def resample(signal: ArrayLike, fs: float, fs_new: float) -> NDArray[np.float64]:
    """Change the sampling rate with an anti-aliasing polyphase filter.

    Args:
        signal: shape (..., samples), mV, NaN where a sample is missing.
        fs: its sampling rate, Hz.
        fs_new: the rate wanted, Hz.

    Returns:
        Shape (..., round(samples · fs_new / fs)), mV; NaN where the signal's sample at that
        time, or one of the two around it, is missing.
    """
    values = np.asarray(signal, dtype=np.float64)
    samples = round(values.shape[-1] * fs_new / fs)
    if fs == fs_new:
        return values
    ratio = Fraction(fs_new / fs).limit_denominator(1000)
    known = np.isfinite(values)
    resampled = sps.resample_poly(
        fill_gaps(values, known), ratio.numerator, ratio.denominator, axis=-1, padtype="line"
    )[..., :samples]
    # An odd rate is met by the nearest fraction, which may end some samples early.
    short = samples - resampled.shape[-1]
    if short > 0:
        widths = [(0, 0)] * (resampled.ndim - 1) + [(0, short)]
        resampled = np.pad(resampled, widths, mode="edge")
    if known.all():
        return resampled
    times, last = np.arange(samples) * fs / fs_new, values.shape[-1] - 1
    before, after = (
        rounded.astype(int).clip(0, last)
        for rounded in (np.floor(times + _SAME_TIME), np.ceil(times - _SAME_TIME))
    )
    return with_gaps(resampled, known[..., before] & known[..., after])
