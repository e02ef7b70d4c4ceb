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
from functools import partial
from types import TracebackType
from typing import (
    Any,
    Awaitable,
    Callable,
    Coroutine,
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
from .errors import ServiceUnavailable
from .holder import ReleaseRequest, SymbolLost
from .license import License
from .opening import begin_opening, check_with, runtime_of
from .options import Logger, options_of, symbols_of
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

    async def release(self, symbols: Optional[Sequence[str]] = None) -> ReleaseOutcome:
        """As :meth:`license_session.Session.release`. The release continues even if awaiting it is
        cancelled.
        """
        life = self._life
        if life.is_elsewhere():
            return "not_held"
        runtime = life.runtime
        freed = None if symbols is None else life.give_back(symbols_of("symbols", symbols))
        if freed is not None:
            return await _on_thread(runtime, partial(life.release_some, freed))
        life.begin_release()
        give_up_ms = (life.release_begun_ms or 0) + RELEASE_WITHIN_MS
        await _wait(runtime, life.is_released, give_up_ms)
        if not _in_callback.get():
            callbacks_until_ms = min(runtime.now_ms() + CALLBACKS_WITHIN_MS, give_up_ms)
            await _wait(runtime, runtime.is_idle, callbacks_until_ms)
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


class Opening(Coroutine[Any, Any, AsyncSession]):
    """An opening in progress: a coroutine, which can also be entered by ``async with``. Cancelling
    it abandons the claim, and releases the session if it is granted after all.
    """

    def __init__(self, open_it: Callable[[], Coroutine[Any, Any, AsyncSession]]) -> None:
        self._open = open_it
        self._opening: Optional[Coroutine[Any, Any, AsyncSession]] = None
        self._session: Optional[AsyncSession] = None

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        return self._begun().throw(*error)

    def close(self) -> None:
        if self._opening:
            self._opening.close()

    def __await__(self) -> Generator[Any, None, AsyncSession]:
        return self._begun().__await__()

    async def __aenter__(self) -> AsyncSession:
        self._session = await self._begun()
        return self._session

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._session:
            await self._session.release()

    def _begun(self) -> Coroutine[Any, Any, AsyncSession]:
        # Not before, so that one which is never awaited opens nothing.
        if self._opening is None:
            self._opening = self._open()
        return self._opening


def open_session(
    url: str,
    license_key: str,
    device_fingerprint: str,
    *,
    symbol: Optional[str] = None,
    symbols: Optional[Sequence[str]] = None,
    only_if_free: bool = False,
    ask_holder: bool = False,
    report: Optional[Callable[[], Union[Mapping[str, Any], Awaitable[Mapping[str, Any]]]]] = None,
    on_status: Optional[Callable[[Status], object]] = None,
    on_symbol_lost: Optional[Callable[[SymbolLost], object]] = None,
    on_release_request: Optional[Callable[[ReleaseRequest], object]] = None,
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
        loop = _running_loop()
        options = options_of(
            url,
            license_key,
            device_fingerprint,
            symbol,
            symbols,
            only_if_free=only_if_free,
            ask_holder=ask_holder,
            report=_in_loop(loop, report),
            on_status=_in_loop(loop, on_status),
            on_symbol_lost=_in_loop(loop, on_symbol_lost),
            on_release_request=_in_loop(loop, on_release_request),
            logger=logger,
            margin_seconds=margin_seconds,
            request_timeout_seconds=request_timeout_seconds,
            open_within_seconds=open_within_seconds,
            wait_within_seconds=wait_within_seconds,
            transport=transport,
            public_keys=public_keys,
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
    symbols: Optional[Sequence[str]] = None,
    only_if_free: bool = False,
    request_timeout_seconds: float = 5.0,
    open_within_seconds: float = 30.0,
    transport: Optional[Transport] = None,
    ssl_context: Optional[ssl.SSLContext] = None,
    public_keys: Union[str, Sequence[str], None] = None,
) -> License:
    """Whether a session could be opened now, as :func:`license_session.check_session`."""
    _running_loop()
    options = options_of(
        url,
        license_key,
        device_fingerprint,
        symbol,
        symbols,
        only_if_free=only_if_free,
        request_timeout_seconds=request_timeout_seconds,
        open_within_seconds=open_within_seconds,
        transport=transport,
        public_keys=public_keys,
    )
    runtime = runtime_of(url, transport, ssl_context)
    return await _on_thread(runtime, lambda: check_with(options, runtime))


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise RuntimeError(
            "No event loop of asyncio is running here, and license_session.asyncio works with no "
            "other: under trio, call license_session.open_session on a thread"
        ) from error


async def _on_thread(runtime: ThreadRuntime, call: Callable[[], T]) -> T:
    """Runs what blocks, which goes on if awaiting it is cancelled."""
    results: List[T] = []
    errors: List[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # Nobody else would hear of it.
            errors.append(error)
        runtime.wake()

    try:
        runtime.spawn(run)
    except RuntimeError as error:
        problem = f"no thread could be started: {error}"
        raise ServiceUnavailable(f"Nothing was asked: {problem}", problem=problem) from error
    await _wait(runtime, lambda: bool(results or errors))
    if errors:
        raise errors[0]
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
    loop: asyncio.AbstractEventLoop, call: Optional[Callable[..., object]]
) -> Optional[Callable[..., Any]]:
    """Lets another thread run a callback in the loop and wait for its result."""
    if call is None:
        return None
    if not callable(call):
        return call  # Which `options_of` refuses.
    callback = call

    async def run(*arguments: object) -> Any:
        _in_callback.set(True)
        result = callback(*arguments)
        return await result if inspect.isawaitable(result) else result

    def run_and_wait(*arguments: object) -> Any:
        if loop.is_closed():
            return {}
        return asyncio.run_coroutine_threadsafe(run(*arguments), loop).result()

    return run_and_wait
