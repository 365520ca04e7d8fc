import numpy as np
import pytest

from acsbench.ecg.leads import LEADS
from acsbench.ecg.recording import Recording


def test_names_are_canonical_and_the_order_is_kept() -> None:
    recording = Recording(ecg_id="a", signal=np.eye(3), fs=500, leads=["avr", "V1", "ii"])
    assert recording.leads == ("aVR", "V1", "II")
    assert recording.signal.dtype == np.float32
    np.testing.assert_array_equal(recording.select(["II", "aVR"]), np.eye(3)[[2, 0]])


@pytest.mark.parametrize(
    ("signal", "fs", "leads", "words"),
    [
        (np.zeros((2, 5)), 500, LEADS, "expected \\(12, samples\\)"),
        (np.zeros(5), 500, ["I"], "shape"),
        (np.zeros((1, 5)), 0, ["I"], "sampling rate"),
        (np.zeros((1, 5)), np.nan, ["I"], "sampling rate"),
        (np.zeros((1, 5)), 500, ["X"], "unknown leads"),
        (np.zeros((2, 5)), 500, ["II", "ii"], "twice"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(signal, fs, leads, words) -> None:
    with pytest.raises(ValueError, match=words):
        Recording("a", signal, fs, leads)


def test_a_lead_that_was_not_recorded() -> None:
    with pytest.raises(ValueError, match="V6 were not recorded"):
        Recording("a", np.zeros((1, 5)), 500, ["I"]).select(["I", "V6"])
