"""How often one may try."""

from __future__ import annotations

from acsbench.leaderboard.web.throttle import Throttle


def test_the_window_slides_and_waiting_helps() -> None:
    now = [0.0]
    throttle = Throttle(attempts=2, seconds=10, clock=lambda: now[0])

    assert throttle.wait("a") == 0
    now[0] = 4
    assert throttle.wait("a") == 0
    assert throttle.wait("a") == 6
    assert throttle.wait("b") == 0, "another is not slowed down"
    now[0] = 10
    assert throttle.wait("a") == 0
    assert throttle.wait("a") == 4, "the attempt at 4 still counts"
    throttle.forgive("a")
    assert throttle.wait("a") == 0


def test_the_past_is_forgotten() -> None:
    now = [0.0]
    throttle = Throttle(attempts=1, seconds=10, clock=lambda: now[0])
    for number in range(Throttle.REMEMBERED):
        throttle.wait(str(number))
    now[0] = 11
    throttle.wait("new")
    assert list(throttle._times) == ["new"]
