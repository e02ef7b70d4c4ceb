"""The rules of keeping a session, as pure functions from one state to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Optional, Union

from .answers import Granted, Recorded, Trouble, Unreadable
from .license import License
from .options import Options
from .runtime import NO_ANSWER_IN_TIME, Instant
from .status import End, Status
from .timing import Timing, heartbeat_delay_ms, retry_at_ms, retry_delay_ms

__all__ = [
    "Keeping",
    "Step",
    "answered",
    "ended",
    "held_status",
    "limit_ms",
    "right_lasts_ms",
    "start_keeping",
    "wake_ms",
    "woke",
]


@dataclass(frozen=True)
class Keeping:
    """The state of a session that is being kept.

    While ``ask_until_ms`` is set, there is no right until a heartbeat is confirmed. Once ``end`` is
    set, the state is final. Otherwise the right lasts until ``right_ends_ms``; heartbeats renew it.
    """

    granted: Granted
    options: Options
    timing: Timing
    license: License
    right_ends_ms: int
    #: The lead of the wall clock over the monotonic one when the two were last known to agree.
    wall_lead_ms: int
    next_beat_ms: int
    failures: int = 0
    #: Whether the service could not read the last report.
    report_refused: bool = False
    ask_until_ms: Optional[int] = None
    end: Optional[End] = None


class Step(NamedTuple):
    keeping: Keeping
    #: The status to report to the program, if any.
    status: Optional[Status] = None


def start_keeping(granted: Granted, sent: Instant, options: Options, chance: float) -> Keeping:
    """The right counts from sending: the service can't have received the request earlier."""
    timing = options.timing_of(granted)
    return Keeping(
        granted=granted,
        options=options,
        timing=timing,
        license=granted.license,
        right_ends_ms=sent.now_ms + timing.right_ms,
        wall_lead_ms=sent.wall_lead_ms,
        next_beat_ms=sent.now_ms + heartbeat_delay_ms(timing.heartbeat_interval_ms, chance),
    )


def right_lasts_ms(keeping: Keeping, at: Instant) -> int:
    """How long the right lasts unless a heartbeat is confirmed; 0 without one."""
    if keeping.end or keeping.ask_until_ms is not None or clocks_parted(keeping, at):
        return 0
    return max(0, keeping.right_ends_ms - at.now_ms)


def limit_ms(keeping: Keeping) -> int:
    """When the right ends or, while asking, when the session is given up."""
    return keeping.right_ends_ms if keeping.ask_until_ms is None else keeping.ask_until_ms


def wake_ms(keeping: Keeping) -> int:
    """The latest time of the next action."""
    return min(keeping.next_beat_ms, limit_ms(keeping))


def held_status(keeping: Keeping, at: Instant) -> Status:
    return Status("held", right_lasts_seconds=right_lasts_ms(keeping, at) / 1000)


def ended(keeping: Keeping, end: End) -> Step:
    if keeping.end:
        return Step(keeping)
    status = Status("ended", end=end, active_device=end.active_device)
    return Step(replace(keeping, end=end), status)


def woke(keeping: Keeping, planned_ms: int, at: Instant) -> Step:
    """What the passing of time alone does to the session.

    When its time is over, the session is lost. But if this process overslept, the service is not to
    blame, so it is asked whether the session still exists.

    :param planned_ms: the latest time at which this should have been called
    """
    if keeping.end:
        return Step(keeping)
    parted = clocks_parted(keeping, at)
    if parted:
        return _ask(keeping, at, "clocks_parted")
    if at.now_ms >= limit_ms(keeping):
        if at.now_ms - planned_ms > keeping.timing.overslept_after_ms:
            return _ask(keeping, at)
        return ended(keeping, End("lost", NO_ANSWER_IN_TIME))
    # After the wall clock was set back, a pause shows already at a smaller lead.
    if at.wall_lead_ms < keeping.wall_lead_ms:
        return Step(replace(keeping, wall_lead_ms=at.wall_lead_ms))
    return Step(keeping)


def answered(
    keeping: Keeping,
    outcome: Union[Recorded, End, Unreadable, Trouble],
    sent: Instant,
    planned_ms: int,
    at: Instant,
    chance: float,
) -> Step:
    """What the outcome of a heartbeat does to the session.

    :param sent: when the heartbeat was sent
    :param planned_ms: the latest time at which the outcome should have been known
    :param chance: from 0 up to 1
    """
    if keeping.end:
        return Step(keeping)
    if isinstance(outcome, End):
        return ended(keeping, outcome)
    if isinstance(outcome, Recorded):
        return _confirm(keeping, outcome, sent, at, chance)
    if isinstance(outcome, Unreadable):
        # Only the report can be unreadable, because the claim sent everything else.
        without = replace(keeping, report_refused=True)
        return _try_again(without, Trouble(outcome.problem), planned_ms, at, chance)
    return _try_again(keeping, outcome, planned_ms, at, chance)


def _confirm(
    keeping: Keeping, outcome: Recorded, sent: Instant, at: Instant, chance: float
) -> Step:
    timeout_ms = outcome.session_timeout_ms or keeping.granted.session_timeout_ms
    granted = keeping.granted._replace(session_timeout_ms=timeout_ms)
    renewed = replace(
        start_keeping(granted, sent, keeping.options, chance),
        granted=keeping.granted,
        license=replace(outcome.license, type=keeping.license.type),
    )
    # If the machine slept while the answer was on its way, the answer may be out of date.
    if clocks_parted(renewed, at):
        return _ask(renewed, at, "clocks_parted")
    if at.now_ms >= renewed.right_ends_ms:
        return _ask(renewed, at)
    return Step(renewed, held_status(renewed, at))


def _try_again(
    keeping: Keeping, trouble: Trouble, planned_ms: int, at: Instant, chance: float
) -> Step:
    passed = woke(keeping, planned_ms, at)
    if passed.status:
        return passed
    keeping = passed.keeping
    failures = keeping.failures + 1
    next_beat_ms = retry_at_ms(
        at.now_ms,
        retry_delay_ms(failures, keeping.timing.heartbeat_interval_ms, chance),
        trouble.retry_after_ms,
        limit_ms(keeping),
        keeping.timing.request_timeout_ms,
    )
    again = replace(keeping, failures=failures, next_beat_ms=next_beat_ms)
    if again.ask_until_ms is not None:
        return Step(again, Status("asking", problem=trouble.problem))
    lasts_seconds = right_lasts_ms(again, at) / 1000
    status = Status("troubled", problem=trouble.problem, right_lasts_seconds=lasts_seconds)
    return Step(again, status)


def _ask(keeping: Keeping, at: Instant, problem: Optional[str] = None) -> Step:
    asking = replace(
        keeping,
        # Parted clocks alone must not lose a session, so ask at least as long as the right.
        ask_until_ms=max(at.now_ms + keeping.timing.ask_within_ms, keeping.right_ends_ms),
        next_beat_ms=at.now_ms,
        failures=0,
        wall_lead_ms=at.wall_lead_ms,
    )
    return Step(asking, Status("asking", problem=problem))


def clocks_parted(keeping: Keeping, at: Instant) -> bool:
    """Whether the wall clock gained on the monotonic one, which may have stood still."""
    return at.wall_lead_ms - keeping.wall_lead_ms > keeping.timing.clocks_parted_after_ms
