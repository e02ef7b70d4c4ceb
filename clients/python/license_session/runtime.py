"""The environment of the client. Tests and simulations supply one with virtual time."""

from __future__ import annotations

from typing import Callable, Final, Mapping, NamedTuple, Optional, Protocol, TypeVar, Union

from .claim_names import ClaimName

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

#: When to stop waiting, in milliseconds of ``now_ms``. Called again each time the runtime is woken.
Until = Callable[[], float]


class Answer(NamedTuple):
    """An answer of any kind."""

    status: int
    #: The body as it came.
    body: bytes
    #: By lower-case name.
    headers: Mapping[str, str]


class NoAnswer(NamedTuple):
    """No answer came. The request may or may not have been carried out."""

    problem: str
    cause: Optional[BaseException] = None
    #: Whether it can't pass by itself, as with a certificate of somebody else.
    lasts: bool = False


Exchange = Union[Answer, NoAnswer]


class Instant(NamedTuple):
    """A reading of both clocks."""

    now_ms: int
    wall_ms: int

    @property
    def wall_lead_ms(self) -> int:
        """How far the wall clock is ahead of the monotonic one."""
        return self.wall_ms - self.now_ms


class Runtime(Protocol):
    """What the rules need from their environment. Except for ``now_ms``, ``wall_ms`` and ``wake``,
    everything is called only on the session's own thread.
    """

    def now_ms(self) -> int:
        """A monotonic clock in milliseconds that also counts sleep. All times refer to it."""
        ...

    def wall_ms(self) -> int:
        """The wall clock, in milliseconds since 1970, which may be set. It decides nothing by
        itself. But if it gains on the monotonic clock, that one may have stood still, as in a
        paused virtual machine, and the client then asks the service.
        """
        ...

    def random(self) -> float:
        """From 0 up to 1."""
        ...

    def random_id(self) -> str:
        """A new id for each request: 16 to 64 hex characters."""
        ...

    def next_claim_name(self) -> ClaimName:
        """The name of a new opening: one run per process, numbered from 1."""
        ...

    def pause(self, until: Until) -> None:
        """Returns at the given time. ``until`` is called again periodically and when woken."""

    def exchange(self, path: str, body: bytes, until: Until) -> Exchange:
        """Posts JSON to a path below the service's address. Returns by the given time; a request
        that has not been sent by then is never sent.
        """
        ...

    def call(self, program: Callable[[], object]) -> None:
        """Runs code of the program on another thread: one call at a time, in order."""

    def call_within(self, program: Callable[[], T], until: Until) -> Optional[T]:
        """The same, but waits for the result. Returns ``None`` if there was none in time.

        :raises Exception: what the program raised
        """

    def log(self, log: Callable[[], object]) -> None:
        """Runs the program's logger on a thread of its own: one call at a time, in order."""

    def spawn(self, run: Callable[[], None]) -> None:
        """Runs a session on its own thread.

        :raises RuntimeError: no thread could be started
        """

    def wake(self) -> None:
        """Wakes all waiting threads, which then call their ``until`` again."""


def read_clocks(runtime: Runtime) -> Instant:
    """Reads both clocks, the monotonic one last: a delay between the two readings then can't hide a
    pause.
    """
    wall_ms = runtime.wall_ms()
    return Instant(runtime.now_ms(), wall_ms)
