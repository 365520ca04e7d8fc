"""Q, R, S and R′ of a QRS complex."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QRS_WAVES = ("q", "r", "s", "r2")
"""Q, R, S and R′."""
_SMALLEST = 0.02  # mV
_SHORTEST = 0.008  # s


def qrs_waves(qrs: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    """Amplitude and duration of the waves of one lead's QRS complex.

    A wave is what lies on one side of the baseline for at least 8 ms and rises at least 0.02 mV
    above its end. A complex without R wave is one Q wave (QS).

    Args:
        qrs: from QRS onset to J point, shape (samples,), mV above the level before onset.
        fs: sampling rate, Hz.

    Returns:
        Amplitude (mV, Q and S negative) and duration (ms) of Q, R, S and R′, shape (4, 2); 0 for
        a wave that the complex does not have.

    References:
        CSE Working Party, Eur Heart J 6:815 (1985).

    Examples:
        >>> import numpy as np
        >>> rise = np.interp(np.arange(50), [0, 5, 10, 25, 40, 45, 49], [0, -0.1, 0, 1, 0, -0.2, 0])
        >>> qrs_waves(rise, 500.0)[:, 0].tolist()
        [-0.1, 1.0, -0.2, 0.0]
    """
    side = np.sign(qrs).astype(int)
    borders = np.flatnonzero(np.diff(side)) + 1
    starts, ends = np.append(0, borders), np.append(borders, len(side))
    waves: list[list[float]] = []
    for start, end in zip(starts, ends, strict=True):
        peak = qrs[start:end][np.abs(qrs[start:end]).argmax()]
        # At the J point of a shifted ST segment the signal is off the baseline without a wave.
        prominence = abs(peak) - abs(qrs[end - 1])
        if prominence < _SMALLEST or end - start < _SHORTEST * fs:
            continue
        duration = 1000 * (end - start) / fs
        if waves and waves[-1][0] * peak > 0:
            waves[-1] = [max(waves[-1][0], peak, key=abs), waves[-1][1] + duration]
        else:
            waves.append([float(peak), duration])
    if waves and waves[0][0] > 0:
        waves.insert(0, [0.0, 0.0])
    return np.array([*waves, *[[0.0, 0.0]] * len(QRS_WAVES)])[: len(QRS_WAVES)]
