"""The rules of keeping a session, as pure functions from one state to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Optional, Tuple, Union

from .answers import Granted, PartLost, Recorded, Trouble, Unreadable
from .holder import ReleaseRequest, SymbolLost
from .license import License
from .options import Options
from .runtime import NO_ANSWER_IN_TIME, Instant
from .status import End, EndReason, Status
from .symbols import in_service_form, symbols_among, symbols_without
from .timing import Timing, heartbeat_delay_ms, retry_at_ms, retry_delay_ms

__all__ = [
    "Keeping",
    "Step",
    "answered",
    "ended",
    "held_status",
    "limit_ms",
    "request_timeout_ms",
    "right_lasts_ms",
    "start_keeping",
    "wake_ms",
    "woke",
]


_LEAST_BEAT_GAP_MS = 200


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
    #: Whether the last heartbeat was not answered in time.
    was_unanswered: bool = False
    #: Those that are not lost.
    symbols: Tuple[str, ...] = ()
    #: Whether the service could not read a report: heartbeats then go without one.
    report_refused: bool = False
    #: Somebody asks for the session.
    release_request: Optional[ReleaseRequest] = None
    ask_until_ms: Optional[int] = None
    end: Optional[End] = None


class Step(NamedTuple):
    keeping: Keeping
    #: What to report to the program, if anything.
    status: Optional[Status] = None
    lost: Tuple[SymbolLost, ...] = ()
    release_request: Optional[ReleaseRequest] = None


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
        symbols=options.all_symbols,
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


def request_timeout_ms(keeping: Keeping) -> int:
    """The time limit of the next heartbeat."""
    timing = keeping.timing
    return timing.longest_request_ms if keeping.was_unanswered else timing.request_timeout_ms


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
    outcome: Union[Recorded, PartLost, End, Unreadable, Trouble],
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
    if isinstance(outcome, PartLost):
        return _part(keeping, outcome, sent, planned_ms, at, chance)
    if isinstance(outcome, Unreadable):
        # Only the report can be unreadable, because the claim sent everything else.
        keeping = replace(keeping, report_refused=True)
        outcome = Trouble(outcome.problem)
    return _try_again(keeping, outcome, planned_ms, at, chance)


def _confirm(
    keeping: Keeping, outcome: Recorded, sent: Instant, at: Instant, chance: float
) -> Step:
    granted = keeping.granted._replace(
        session_timeout_ms=outcome.session_timeout_ms, held_for_ms=outcome.held_for_ms
    )
    renewed = replace(
        start_keeping(granted, sent, keeping.options, chance),
        granted=keeping.granted,
        license=replace(outcome.license, type=keeping.license.type),
        symbols=keeping.symbols,
        report_refused=keeping.report_refused,
        release_request=outcome.release_request,
    )
    # If the machine slept while the answer was on its way, the answer may be out of date.
    if clocks_parted(renewed, at):
        step = _ask_soon(renewed, sent, at, "clocks_parted")
    elif at.now_ms >= renewed.right_ends_ms:
        step = _ask_soon(renewed, sent, at)
    else:
        step = Step(renewed, held_status(renewed, at))
    # It is said with every heartbeat; the program is asked once.
    is_new = keeping.release_request is None
    return step._replace(release_request=outcome.release_request if is_new else None)


def _part(
    keeping: Keeping, outcome: PartLost, sent: Instant, planned_ms: int, at: Instant, chance: float
) -> Step:
    """Takes the lost symbols off. The next heartbeat, which leaves them out, confirms that."""
    named = {in_service_form(lost.symbol): lost for lost in outcome.lost}
    unnamed = SymbolLost("", "session_not_found", None)
    lost = tuple(
        replace(named.get(in_service_form(symbol), unnamed), symbol=symbol)
        for symbol in symbols_without(keeping.symbols, outcome.held)
    )
    symbols = symbols_among(keeping.symbols, outcome.held)
    if lost and not symbols:
        reason: EndReason = "lost" if lost[0].code == "session_not_found" else "taken"
        return ended(keeping, End(reason, lost[0].code, lost[0].active_device))
    left = replace(keeping, symbols=symbols)
    if outcome.lease is None:
        step = _try_again(left, outcome.trouble, planned_ms, at, chance)
    else:
        # Such an answer does not say that nobody asks any more.
        request = outcome.release_request or keeping.release_request
        recorded = Recorded(*outcome.lease, keeping.license, request)
        step = _confirm(left, recorded, sent, at, chance)
    return step._replace(lost=lost)


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
    again = replace(
        keeping,
        failures=failures,
        next_beat_ms=next_beat_ms,
        was_unanswered=trouble.problem == NO_ANSWER_IN_TIME,
    )
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
        was_unanswered=False,
        wall_lead_ms=at.wall_lead_ms,
    )
    return Step(asking, Status("asking", problem=problem))


def _ask_soon(keeping: Keeping, sent: Instant, at: Instant, problem: Optional[str] = None) -> Step:
    """Not before 0.2 s after the last heartbeat, in case the service confirms less than that."""
    step = _ask(keeping, at, problem)
    next_beat_ms = max(at.now_ms, sent.now_ms + _LEAST_BEAT_GAP_MS)
    return step._replace(keeping=replace(step.keeping, next_beat_ms=next_beat_ms))


def clocks_parted(keeping: Keeping, at: Instant) -> bool:
    """Whether the wall clock gained on the monotonic one, which may have stood still."""
    return at.wall_lead_ms - keeping.wall_lead_ms > keeping.timing.clocks_parted_after_ms
