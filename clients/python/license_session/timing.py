"""The timing of a session, derived from what the service named."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

__all__ = [
    "OPENING_INTERVAL_MS",
    "RELEASE_WITHIN_MS",
    "Timing",
    "attempt_timeout_ms",
    "heartbeat_delay_ms",
    "milliseconds",
    "poll_delay_ms",
    "retry_at_ms",
    "retry_delay_ms",
    "timing_of",
]

#: Used until the service has named an interval.
OPENING_INTERVAL_MS = 20_000
#: The time limit of a release, including retries.
RELEASE_WITHIN_MS = 5_000


class Timing(NamedTuple):
    """How a session is kept in time."""

    #: How long a confirmed request gives a right to the session, counted from its sending.
    right_ms: int
    heartbeat_interval_ms: int
    request_timeout_ms: int
    #: The time limit of a heartbeat after one that was not answered in time.
    longest_request_ms: int
    #: How long to ask whether the session still exists after oversleeping.
    ask_within_ms: int
    #: A timer that is later than this means that the process was asleep or stuck.
    overslept_after_ms: int
    #: If the wall clock gains this much on the monotonic one, that one may have stood still.
    clocks_parted_after_ms: int
    #: How long a heartbeat waits for its report.
    report_within_ms: int


def timing_of(
    session_timeout_ms: float,
    held_for_ms: float,
    named_interval_ms: float,
    margin_ms: Optional[float],
    request_timeout_ms: float,
) -> Timing:
    """The timing that the service's answer and the program's options make together.

    :param margin_ms: can only shorten what the service says, and never to less than half
    """
    margin_right_ms = session_timeout_ms - min(margin_ms or 0, session_timeout_ms / 2)
    right_ms = math.floor(min(held_for_ms, margin_right_ms))
    request_ms = math.floor(min(request_timeout_ms, right_ms / 3))
    return Timing(
        right_ms=right_ms,
        heartbeat_interval_ms=math.floor(min(named_interval_ms, session_timeout_ms / 3)),
        request_timeout_ms=request_ms,
        longest_request_ms=math.floor(min(2 * request_timeout_ms, right_ms / 3)),
        ask_within_ms=min(10_000, right_ms),
        overslept_after_ms=min(1_000, right_ms // 5),
        # Clocks tick in steps and are slewed, so a difference below 0.1 s means nothing.
        clocks_parted_after_ms=math.floor(max(100, min(1_000, session_timeout_ms - right_ms))),
        report_within_ms=min(1_000, request_ms // 2),
    )


def attempt_timeout_ms(request_timeout_ms: int, unanswered: int) -> int:
    """The time limit of an opening's next attempt: on a slow line, a longer one may succeed.

    :param unanswered: how many attempts in a row were not answered in time
    """
    return request_timeout_ms << min(unanswered, 2)


def heartbeat_delay_ms(interval_ms: int, chance: float) -> int:
    """Up to a tenth early, so that bots that started together spread out."""
    return math.floor(interval_ms * (1 - 0.1 * chance))


def retry_delay_ms(failures: int, interval_ms: int, chance: float) -> int:
    """At an interval of 20 s: 1 s, then doubling up to 4 s."""
    first_ms = min(1_000, interval_ms / 10)
    delay_ms = min(first_ms * 2.0 ** min(failures - 1, 10), interval_ms / 5)
    return math.floor(delay_ms * (1 - 0.5 * chance))


def poll_delay_ms(wait_seconds: Optional[float], chance: float) -> int:
    """About every 5 s, because a release may come at any time; sooner if the named wait is over."""
    poll_ms = math.floor(5_000 * (0.8 + 0.4 * chance))
    wait_ms = poll_ms if wait_seconds is None else wait_seconds * 1_000
    return math.floor(max(1_000, min(poll_ms, wait_ms)))


def retry_at_ms(
    now_ms: int,
    delay_ms: int,
    retry_after_ms: Optional[int],
    ends_ms: int,
    request_timeout_ms: int,
) -> int:
    """When to retry: after the delay, or later if the answer asks for it, but early enough for one
    more full request before the end.
    """
    asked_for_ms = min(now_ms + (retry_after_ms or 0), ends_ms - request_timeout_ms)
    return max(now_ms + delay_ms, asked_for_ms)


def milliseconds(seconds: float) -> int:
    """Caps longer times, including ``math.inf``, at about thirty years."""
    return int(min(seconds, 1e9) * 1000)
