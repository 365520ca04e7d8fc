"""Delineation against the marks of cardiologists in LUDB, beside other libraries, in one run.

A wave counts as found if its peak lies within 150 ms of a marked one of the same lead; each
detection serves one mark. LUDB leaves the first and the last beats of a recording unmarked, so
that a detection before a lead's first mark or after its last, of whatever wave, is a false one
only if none of its neighbours is marked: it is left out. Errors are found less marked, ms, over
the waves found; `abs` is the median of their absolute values.

"Per lead" compares each lead with its own marks. "Global" compares, beat by beat, the marks'
median over the leads with the positions common to the leads: ours as it gives them, others' as
the median over the leads in which they found the wave.

Our constants were chosen on every second record; the others are the test. The other libraries
run as their documentation says: neurokit2 lead by lead, with its own cleaning and R-peaks,
ecgdeli and wavedet on all leads. What is not installed is left out by name.

    OMP_NUM_THREADS=1 python benchmarks/delineation.py --ludb .cache/ludb
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from _ludb import MarkedEcg, arguments, machine, read

WAVES = ("P", "QRS", "T")
POINTS = ("onset", "peak", "end")
TOLERANCE = 0.150  # s
Waves = list[list[NDArray[np.float64]]]
"""Per wave and lead, rows of onset, peak and end in samples; NaN where not found."""
Delineator = Callable[[NDArray[np.float64], float], tuple[Waves, list[NDArray[np.float64]]]]
"""From (leads, samples) to waves per lead, and waves common to the leads."""


def acsbench_beats(
    signal: NDArray[np.float64], fs: float
) -> tuple[Waves, list[NDArray[np.float64]]]:
    from acsbench.ecg.delineation import delineate_beats

    beats = delineate_beats(signal, fs)
    per_lead = [[found(beats.leads[:, lead, w]) for lead in range(len(signal))] for w in range(3)]
    return per_lead, [found(beats.common[:, w]) for w in range(3)]


def neurokit2(signal: NDArray[np.float64], fs: float) -> tuple[Waves, list[NDArray[np.float64]]]:
    import neurokit2 as nk

    waves: Waves = [[], [], []]
    for lead in signal:
        clean = nk.ecg_clean(lead, sampling_rate=fs)
        rows = [np.empty((0, 3))] * 3
        try:
            peaks = nk.ecg_peaks(clean, sampling_rate=fs)[1]["ECG_R_Peaks"]
            marks = nk.ecg_delineate(clean, peaks, sampling_rate=fs, method="dwt")[1]
        except (IndexError, ValueError, ZeroDivisionError):  # it gives up on some leads
            marks = None
        if marks is not None:
            rows = [
                columns(marks[f"ECG_{w}_Onsets"], middle, marks[f"ECG_{w}_Offsets"])
                for w, middle in (
                    ("P", marks["ECG_P_Peaks"]),
                    ("R", peaks),
                    ("T", marks["ECG_T_Peaks"]),
                )
            ]
        for wave, row in zip(waves, rows, strict=True):
            wave.append(row)
    return waves, medians_over_leads(waves, fs)


def ecgdeli(signal: NDArray[np.float64], fs: float) -> tuple[Waves, list[NDArray[np.float64]]]:
    import ecgdeli

    leads = ecgdeli.annotate(ecgdeli.filter_ecg(signal.T, fs), fs).leads

    def rows(lead: ecgdeli.FPT, names: tuple[str, str, str]) -> NDArray[np.float64]:
        marks = [np.asarray(getattr(lead, name), dtype=float) for name in names]
        return columns(*(np.where(mark < 0, np.nan, mark) for mark in marks))

    waves = [
        [rows(lead, names) for lead in leads]
        for names in (
            ("p_on", "p_peak", "p_off"),
            ("qrs_on", "r_peak", "qrs_off"),
            ("t_on", "t_peak", "t_off"),
        )
    ]
    return waves, medians_over_leads(waves, fs)


def wavedet(signal: NDArray[np.float64], fs: float) -> tuple[Waves, list[NDArray[np.float64]]]:
    from wavedet import delineate

    result = delineate(signal.T, fs=fs)

    def rows(lead: object, wave: str) -> NDArray[np.float64]:
        return columns(*(getattr(lead, name) for name in (f"{wave}_on", wave, f"{wave}_off")))

    waves = [[rows(lead, wave) for lead in result.per_lead] for wave in ("p", "qrs", "t")]
    return waves, [found(rows(result, wave)) for wave in ("p", "qrs", "t")]


def columns(*marks: object) -> NDArray[np.float64]:
    """Onsets, peaks and ends side by side; rows without a peak are left out."""
    return found(np.stack([np.asarray(mark, dtype=float) for mark in marks], axis=1))


def found(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows[np.isfinite(rows[:, 1])]


def medians_over_leads(waves: Waves, fs: float) -> list[NDArray[np.float64]]:
    """Waves that at least half the leads show within 150 ms of one another."""
    common = []
    for leads in waves:
        rows = np.concatenate(leads)
        rows = rows[rows[:, 1].argsort()]
        parts = np.split(rows, np.flatnonzero(np.diff(rows[:, 1]) > TOLERANCE * fs / 2) + 1)
        kept = [np.nanmedian(part, axis=0) for part in parts if len(part) >= len(leads) / 2]
        common.append(np.array(kept).reshape(-1, 3))
    return common


def marked_in_common(ecg: MarkedEcg, marks: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Medians over the leads of the marks of each wave, onset, peak and end."""
    return medians_over_leads([[known(lead) for lead in marks]], ecg.fs)[0]


def known(marks: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(marks < 0, np.nan, marks)


class Score:
    """Hits, misses, false detections and errors of one wave, over leads or recordings."""

    def __init__(self) -> None:
        self.counts = np.zeros(3, dtype=int)
        self.errors: list[NDArray[np.float64]] = []

    def add(
        self,
        marks: NDArray[np.float64],
        detected: NDArray[np.float64],
        fs: float,
        span: tuple[float, float],
    ) -> None:
        """Compare rows of onset, peak, end; `span` is from the first to the last mark."""
        distance = np.abs(marks[:, None, 1] - detected[None, :, 1])
        distance[distance > TOLERANCE * fs] = np.inf
        free = np.ones(len(detected), dtype=bool)
        hits = 0
        # The closest pair first, so that each detection serves the mark it fits best.
        while np.isfinite(distance).any():
            mark, detection = np.unravel_index(distance.argmin(), distance.shape)
            self.errors.append((detected[detection] - marks[mark]) / fs * 1000)
            distance[mark], distance[:, detection] = np.inf, np.inf
            free[detection] = False
            hits += 1
        inside = (detected[:, 1] >= span[0]) & (detected[:, 1] <= span[1])
        self.counts += (hits, len(marks) - hits, int((free & inside).sum()))

    def line(self) -> str:
        """Sensitivity, PPV, F1, and the errors of onset, peak and end."""
        hits, missed, false = self.counts
        text = (
            f"{hits / (hits + missed):6.4f} {hits / max(hits + false, 1):6.4f}"
            f" {2 * hits / (2 * hits + missed + false):6.4f} "
        )
        for error in np.array(self.errors).T:
            error = error[np.isfinite(error)]
            text += (
                f"  {error.mean():6.1f} ±{error.std():5.1f} {np.median(np.abs(error)):5.1f}"
                if len(error)
                else "       –      –     –"
            )
        return text


def score(
    records: list[MarkedEcg], results: list[tuple[Waves, list[NDArray[np.float64]]]]
) -> dict[str, list[Score]]:
    """Scores per lead and global, of P, QRS and T."""
    scores = {"per lead": [Score() for _ in WAVES], "global": [Score() for _ in WAVES]}
    for ecg, (per_lead, common) in zip(records, results, strict=True):
        marks = (ecg.p, ecg.qrs, ecg.t)
        spans = []
        for lead in range(len(ecg.leads)):
            places = np.concatenate([wave[lead][:, 1] for wave in marks])
            spans.append((places.min(), places.max()) if len(places) else (0.0, -1.0))
        for wave in range(len(WAVES)):
            for lead, span in enumerate(spans):
                scores["per lead"][wave].add(
                    known(marks[wave][lead]), per_lead[wave][lead], ecg.fs, span
                )
            everywhere = (min(first for first, _ in spans), max(last for _, last in spans))
            scores["global"][wave].add(
                marked_in_common(ecg, marks[wave]), common[wave], ecg.fs, everywhere
            )
    return scores


def compared() -> dict[str, Delineator]:
    """acsbench, and what is installed of the others."""
    chosen: dict[str, Delineator] = {"acsbench": acsbench_beats}
    for module, delineator in (
        ("neurokit2", neurokit2),
        ("ecgdeli", ecgdeli),
        ("wavedet", wavedet),
    ):
        if find_spec(module) is None:
            print(f"{module} is not installed: left out")
        else:
            chosen[module] = delineator
    return chosen


def run(records: list[MarkedEcg]) -> None:
    results: dict[str, list[tuple[Waves, list[NDArray[np.float64]]]]] = {}
    seconds = {}
    for name, delineate in compared().items():
        delineate(records[0].signal, records[0].fs)  # imports, filters
        start = time.process_time()
        results[name] = [delineate(ecg.signal, ecg.fs) for ecg in records]
        seconds[name] = time.process_time() - start
    for name, spent in seconds.items():
        print(
            f"{name}: {1000 * spent / len(records):.0f} ms per ECG,"
            f" {spent / seconds['acsbench']:.1f} times ours"
        )
    scores = {name: score(records, delineated) for name, delineated in results.items()}
    for half, part in (("chosen on", slice(0, None, 2)), ("test", slice(1, None, 2))):
        scores[f"acsbench, {half}"] = score(records[part], results["acsbench"][part])
    head = "".join(f"{point + ': mean ± SD abs':>22s}" for point in POINTS)
    for kind in ("per lead", "global"):
        for number, wave in enumerate(WAVES):
            print(f"\n{wave + ', ' + kind:20s}     Se    PPV     F1  {head}")
            for name, of_waves in scores.items():
                print(f"{name:20s} {of_waves[kind][number].line()}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the other libraries' own
    options = arguments(__doc__.splitlines()[0])
    ecgs = read(options.ludb)
    print(f"{machine()}\n{len(ecgs)} records of LUDB")
    run(ecgs)
