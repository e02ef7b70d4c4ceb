"""The same for asyncio.

    from license_session.asyncio import open_session

    async with open_session(url, license_key, device_fingerprint, symbol="ES") as session:
        while not await session.wait_lost(1.0):
            if session.held:
                ...  # place an order

The rules are those of :mod:`license_session`. A thread keeps the session here, too, so heartbeats
continue even if the program blocks the event loop for longer than the right lasts. Nothing here
blocks the loop. ``on_status`` and ``report`` are called in the loop, and may be coroutine
functions.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import math
import ssl
from types import TracebackType
from typing import (
    Any,
    Awaitable,
    Callable,
    Generator,
    List,
    Mapping,
    Optional,
    Sequence,
    Type,
    TypeVar,
    Union,
)

from . import process_end
from .errors import LicenseSessionError, ServiceUnavailable
from .license import License
from .opening import begin_opening, check_with, runtime_of
from .options import Logger, options_of
from .session import CALLBACKS_WITHIN_MS, LiveSession, SessionView
from .status import ReleaseOutcome, Status
from .thread_runtime import ThreadRuntime
from .timing import RELEASE_WITHIN_MS
from .transport import Transport

__all__ = ["AsyncSession", "Opening", "check_session", "open_session"]

T = TypeVar("T")

#: Waits are split into slices of this length, so that waking from sleep is noticed soon.
_SLICE_MS = 1_000

#: Whether the current task was created by the session itself for a callback.
_in_callback: "contextvars.ContextVar[bool]" = contextvars.ContextVar("in_callback", default=False)


class AsyncSession(SessionView):
    """A session that is being kept. Made by :func:`open_session`."""

    async def wait_lost(self, timeout: Optional[float] = None) -> bool:
        """Waits until the session is over, for whatever reason, or for ``timeout`` seconds.

        Returns whether it is over; :attr:`ended` says why.
        """
        runtime = self._life.runtime
        until_ms = math.inf if timeout is None else runtime.now_ms() + timeout * 1000
        await _wait(runtime, self._life.is_over, until_ms)
        return self._life.is_over()

    async def release(self) -> ReleaseOutcome:
        """Ends the session and frees the key at the service. Safe to call twice; never raises. The
        release continues even if awaiting it is cancelled.

        Returns ``released``; ``not_held`` if the session no longer existed or was not held; or
        ``unconfirmed`` if no answer came within 5 s, so that the session lapses on its own.
        """
        life = self._life
        if life.is_elsewhere():
            return "not_held"
        runtime = life.runtime
        life.begin_release()
        give_up_ms = (life.release_begun_ms or 0) + RELEASE_WITHIN_MS
        await _wait(runtime, lambda: life.is_released() and life.finished, give_up_ms)
        if not _in_callback.get():
            callbacks_until_ms = min(runtime.now_ms() + CALLBACKS_WITHIN_MS, give_up_ms)
            await _wait(runtime, life.is_idle, callbacks_until_ms)
        if life.finished:
            # Again, on this thread: the session's own thread could not remove the signal handlers.
            process_end.leave(life)
        return life.outcome or "unconfirmed"

    async def __aenter__(self) -> AsyncSession:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.release()


class Opening:
    """An opening in progress, to be awaited or entered by ``async with``. Cancelling it abandons
    the claim, and releases the session if it is granted after all.
    """

    def __init__(self, open_it: Callable[[], Awaitable[AsyncSession]]) -> None:
        self._open = open_it
        self._session: Optional[AsyncSession] = None

    def __await__(self) -> Generator[Any, None, AsyncSession]:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncSession:
        self._session = await self._open()
        return self._session

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._session:
            await self._session.release()


def open_session(
    url: str,
    license_key: str,
    device_fingerprint: str,
    *,
    symbol: Optional[str] = None,
    report: Optional[Callable[[], Union[Mapping[str, Any], Awaitable[Mapping[str, Any]]]]] = None,
    on_status: Optional[Callable[[Status], object]] = None,
    margin_seconds: Optional[float] = None,
    request_timeout_seconds: float = 5.0,
    open_within_seconds: float = 30.0,
    wait_within_seconds: float = 0.0,
    transport: Optional[Transport] = None,
    ssl_context: Optional[ssl.SSLContext] = None,
    public_keys: Union[str, Sequence[str], None] = None,
    logger: Optional[Logger] = None,
    release_at_exit: bool = True,
    release_on_signals: bool = True,
) -> Opening:
    """Claims a session and keeps it until it is over.

    The parameters are those of :func:`license_session.open_session`, and awaiting it raises the
    same exceptions. ``transport`` is called on a separate thread.
    """

    async def open_it() -> AsyncSession:
        loop = asyncio.get_running_loop()
        options = options_of(
            license_key,
            device_fingerprint,
            symbol,
            report=None if report is None else _in_loop(loop, report),
            on_status=None if on_status is None else _in_loop(loop, on_status),
            logger=logger,
            margin_seconds=margin_seconds,
            request_timeout_seconds=request_timeout_seconds,
            open_within_seconds=open_within_seconds,
            wait_within_seconds=wait_within_seconds,
            public_keys=public_keys,
            url=url,
        )
        process_end.refuse_import_by_child()
        life = LiveSession(options, runtime_of(url, transport, ssl_context))
        try:
            begin_opening(life, release_at_exit, release_on_signals)
            await _wait(life.runtime, life.is_open_or_failed)
            if life.error:
                raise life.error
            return AsyncSession(life)
        except BaseException:
            life.begin_release()
            raise

    return Opening(open_it)


async def check_session(
    url: str,
    license_key: str,
    device_fingerprint: str,
    *,
    symbol: Optional[str] = None,
    request_timeout_seconds: float = 5.0,
    open_within_seconds: float = 30.0,
    transport: Optional[Transport] = None,
    ssl_context: Optional[ssl.SSLContext] = None,
    public_keys: Union[str, Sequence[str], None] = None,
) -> License:
    """Whether a session could be opened now, as :func:`license_session.check_session`."""
    options = options_of(
        license_key,
        device_fingerprint,
        symbol,
        request_timeout_seconds=request_timeout_seconds,
        open_within_seconds=open_within_seconds,
        public_keys=public_keys,
        url=url,
    )
    runtime = runtime_of(url, transport, ssl_context)
    results: List[Union[License, LicenseSessionError]] = []

    def check() -> None:
        try:
            results.append(check_with(options, runtime))
        except LicenseSessionError as error:
            results.append(error)
        runtime.wake()

    try:
        runtime.spawn(check)
    except RuntimeError as error:
        problem = f"no thread could be started: {error}"
        raise ServiceUnavailable(f"Nothing was asked: {problem}", problem=problem) from error
    await _wait(runtime, lambda: bool(results))
    if isinstance(results[0], LicenseSessionError):
        raise results[0]
    return results[0]


async def _wait(
    runtime: ThreadRuntime, is_so: Callable[[], bool], until_ms: float = math.inf
) -> None:
    """Waits until a condition holds or a time is reached."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(woken.set)
        except RuntimeError:
            pass  # The loop is closed, so nothing is waiting any more.

    take_back = runtime.when_woken(wake)
    try:
        while not is_so():
            left_ms = min(until_ms - runtime.now_ms(), _SLICE_MS)
            if left_ms <= 0:
                return
            timer = loop.call_later(left_ms / 1000, woken.set)
            await woken.wait()
            timer.cancel()
            woken.clear()
    finally:
        take_back()


def _in_loop(
    loop: asyncio.AbstractEventLoop, call: Callable[..., Union[T, Awaitable[T]]]
) -> Callable[..., T]:
    """Lets another thread run a callback in the loop and wait for its result."""

    async def run(*arguments: object) -> Any:
        _in_callback.set(True)
        result = call(*arguments)
        return await result if inspect.isawaitable(result) else result

    def run_and_wait(*arguments: object) -> Any:
        if loop.is_closed():
            return {}
        return asyncio.run_coroutine_threadsafe(run(*arguments), loop).result()

    return run_and_wait
