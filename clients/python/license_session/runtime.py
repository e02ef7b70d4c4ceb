"""The world outside of the client. Tests and simulations bring one with a time of its own."""

from __future__ import annotations

from typing import Callable, Final, Mapping, NamedTuple, Optional, Protocol, TypeVar, Union

__all__ = [
    "NO_ANSWER_IN_TIME",
    "Answer",
    "Exchange",
    "Instant",
    "NoAnswer",
    "Runtime",
    "Until",
    "read_clocks",
]

NO_ANSWER_IN_TIME: Final = "no_answer_in_time"

T = TypeVar("T")

#: When to stop waiting, in milliseconds of ``now_ms``. Asked again each time the runtime is woken.
Until = Callable[[], float]


class Answer(NamedTuple):
    """An answer of whatever kind."""

    status: int
    #: The body as it came.
    body: bytes
    #: By lower-case name.
    headers: Mapping[str, str]


class NoAnswer(NamedTuple):
    """None came. What was asked may have been done or not."""

    problem: str
    cause: Optional[BaseException] = None
    #: The request surely never left this machine: then it can't have been carried out.
    unsent: bool = False


Exchange = Union[Answer, NoAnswer]


class Instant(NamedTuple):
    """One look at both clocks."""

    now_ms: int
    wall_ms: int

    @property
    def wall_lead_ms(self) -> int:
        """How far the wall clock is ahead of the other one."""
        return self.wall_ms - self.now_ms


class Runtime(Protocol):
    """What the rules need of the world. All but ``now_ms``, ``wall_ms`` and ``wake`` are called on
    the session's own thread alone.
    """

    def now_ms(self) -> int:
        """Milliseconds that only ever grow, also while the machine is asleep. All times are of
        this clock.
        """
        ...

    def wall_ms(self) -> int:
        """Milliseconds since 1970, which people and time servers set. It decides nothing by
        itself: if it moves on by more than the other clock, that one may have stood still, as in
        a paused virtual machine, and the client asks the service.
        """
        ...

    def random(self) -> float:
        """From 0 up to 1."""
        ...

    def random_id(self) -> str:
        """A new one each time, 16 to 64 characters of hex: of one request."""
        ...

    def next_claim_id(self) -> str:
        """That of a new claim; those of one process are in their order."""
        ...

    def pause(self, until: Until) -> None:
        """Returns at the instant; ``until`` is asked again from time to time and when woken."""

    def exchange(self, path: str, body: bytes, until: Until) -> Exchange:
        """Posts JSON to a path below the service's address. Returns by the instant; a request that
        was not sent by then is never sent.
        """
        ...

    def call(self, program: Callable[[], object]) -> None:
        """Runs code of the program beside the session: one call at a time, in order."""

    def call_within(self, program: Callable[[], T], until: Until) -> Optional[T]:
        """The same, and waits for its result until then. ``None`` if there was none in time.

        :raises Exception: what the program raised
        """

    def spawn(self, run: Callable[[], None]) -> None:
        """Runs the life of a session beside the program.

        :raises RuntimeError: there is no thread to be had
        """

    def wake(self) -> None:
        """Lets whoever waits ask again until when."""


def read_clocks(runtime: Runtime) -> Instant:
    """Both clocks, the wall clock first: a stop between the two readings then looks like a pause
    of the other clock at most, which costs a heartbeat, and hides none.
    """
    wall_ms = runtime.wall_ms()
    return Instant(runtime.now_ms(), wall_ms)
