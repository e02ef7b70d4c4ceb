"""A clock that can't be set and that keeps running while the machine sleeps."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Callable

__all__ = ["choose_clock"]


def choose_clock() -> Callable[[], int]:
    """The clock to use on this system, in nanoseconds from some moment in the past.

    ``time.monotonic`` stops while a Linux machine or a Mac sleeps.
    """
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        clock: int = getattr(time, name, -1)
        if clock == -1 or (name == "CLOCK_MONOTONIC" and sys.platform != "darwin"):
            continue
        try:
            time.clock_gettime_ns(clock)
        except OSError:
            continue
        return partial(time.clock_gettime_ns, clock)
    return time.monotonic_ns
