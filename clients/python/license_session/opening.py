"""Opens sessions, and checks whether one could be opened."""

from __future__ import annotations

import math
import ssl
import threading
from typing import Optional, Sequence, Union

from . import process_end
from .checking import check
from .errors import LicenseSessionError, OpeningCancelled, ServiceUnavailable
from .license import License
from .options import (
    Logger,
    OnReleaseRequest,
    OnStatus,
    OnSymbolLost,
    Options,
    Report,
    options_of,
)
from .service import Service
from .service_url import base_url
from .session import LiveSession, Session
from .thread_runtime import ThreadRuntime
from .transport import HttpTransport, Transport

__all__ = ["begin_opening", "check_session", "open_session", "runtime_of"]

#: How often a ``cancel`` event is polled.
_LOOK_MS = 100


def open_session(
    url: str,
    license_key: str,
    device_fingerprint: str,
    *,
    symbol: Optional[str] = None,
    symbols: Optional[Sequence[str]] = None,
    only_if_free: bool = False,
    ask_holder: bool = False,
    report: Optional[Report] = None,
    on_status: Optional[OnStatus] = None,
    on_symbol_lost: Optional[OnSymbolLost] = None,
    on_release_request: Optional[OnReleaseRequest] = None,
    margin_seconds: Optional[float] = None,
    request_timeout_seconds: float = 5.0,
    open_within_seconds: float = 30.0,
    wait_within_seconds: float = 0.0,
    cancel: Optional[threading.Event] = None,
    transport: Optional[Transport] = None,
    ssl_context: Optional[ssl.SSLContext] = None,
    public_keys: Union[str, Sequence[str], None] = None,
    logger: Optional[Logger] = None,
    release_at_exit: bool = True,
    release_on_signals: bool = True,
) -> Session:
    """Claims a session and keeps it with heartbeats, on a thread of its own, until it is over.

    :param url: where the service is, as ``https://abc.execute-api.eu-central-1.amazonaws.com``
    :param license_key: 1 to 128 characters
    :param device_fingerprint: 1 to 255 characters that stay the same on this device and differ
        from any other
    :param symbol: each symbol has its own session; without one, the session without a symbol
    :param symbols: instead of it, for one session of several: all of them are claimed, or none.
        They can be lost and released one by one
    :param only_if_free: refuse the opening if this device holds the session already, in this or
        another process, which by default it replaces
    :param ask_holder: ask the device that holds the session to release it. It may keep it; wait for
        its answer with ``wait_within_seconds``
    :param report: called before each heartbeat for a mapping of ``bot_version``, ``status`` (at
        most 64 characters) and ``metadata`` (at most 1,024 bytes as JSON), each optional. If it
        fails, or takes longer than a second, the heartbeat goes without it
    :param on_status: called for every change and every heartbeat. It and ``report`` are called on
        one separate thread, one at a time and in order. Exceptions that they raise are logged
    :param on_symbol_lost: called when one of several symbols is lost, and the others are held
    :param on_release_request: called when another device asks for the session, once. Release it
        when the bot has nothing open, or call ``keep``
    :param margin_seconds: ends the right this long before the session's timeout. It can only
        shorten what the service says, and never to less than half of the timeout
    :param request_timeout_seconds: the limit of each request; after one that was not answered in
        time the next may take twice as long, and of an opening four times. A heartbeat takes at
        most a third of the right
    :param open_within_seconds: how long to try while the service gives no usable answer;
        ``math.inf`` for no limit
    :param wait_within_seconds: how long to wait while another device holds the session, which is
        claimed again about every 5 s; those who wait are in no order. 0 raises
        :class:`SessionRefused` at once
    :param cancel: set it, on another thread, to give up the opening
    :param transport: sends the requests instead of this package's HTTP, which uses the proxy of the
        environment
    :param ssl_context: the certificates to trust, if not those of the system or of
        ``SSL_CERT_FILE``
    :param public_keys: the service's public keys (``ed25519:...``), which its vendor publishes. If
        given, an answer that is not signed by one of them neither grants nor ends anything. Needs
        the package ``cryptography``: ``pip install "license-session[signed]"``
    :param logger: instead of ``logging.getLogger("license_session")``. The loss of a session and
        the first attempt to open that fails are warnings; every other change is INFO or DEBUG
    :param release_at_exit: release the session when the interpreter ends
    :param release_on_signals: release it on SIGTERM and SIGHUP where the program does not handle
        them itself, and warn where it does; for sessions opened off the main thread see
        :func:`handle_signals`
    :raises SessionRefused: another device holds it; says who, and how long to wait
    :raises LicenseRefused: the license is unknown or has ended
    :raises RequestUnreadable: the service can't read what it was given
    :raises ServiceNotFound: the server at the URL is not the license service
    :raises ServiceUnavailable: no usable answer came in time
    :raises OpeningCancelled: ``cancel`` was set
    :raises TypeError, ValueError: an argument is invalid; says which, and what is expected
    :raises ModuleNotFoundError: ``public_keys`` are given and ``cryptography`` is not installed
    """
    options = options_of(
        url,
        license_key,
        device_fingerprint,
        symbol,
        symbols,
        only_if_free=only_if_free,
        ask_holder=ask_holder,
        report=report,
        on_status=on_status,
        on_symbol_lost=on_symbol_lost,
        on_release_request=on_release_request,
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
        _wait_opened(life, cancel)
        if life.error:
            raise life.error
        if cancel and cancel.is_set():
            raise OpeningCancelled("The opening of the session was cancelled")
        return Session(life)
    except BaseException:
        life.begin_release()
        raise


def check_session(
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
    """Whether a session could be opened now. Writes nothing at the service.

    The parameters are those of :func:`open_session`. If one could not, raises what that would
    raise; :attr:`SessionRefused.holder` then says who holds it, and when it was last heard of.
    """
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
    return check_with(options, runtime_of(url, transport, ssl_context))


def check_with(options: Options, runtime: ThreadRuntime) -> License:
    """:raises LicenseSessionError: a session could not be opened, or that is unknown"""
    try:
        return check(Service(options, runtime))
    finally:
        runtime.close()


def runtime_of(
    url: str, transport: Optional[Transport], ssl_context: Optional[ssl.SSLContext]
) -> ThreadRuntime:
    """:raises ValueError: the proxy of the environment can't be used"""
    base = base_url(url, any_scheme=transport is not None)
    return ThreadRuntime(base, HttpTransport(base, ssl_context) if transport is None else transport)


def begin_opening(life: LiveSession, at_exit: bool, on_signals: bool) -> None:
    """:raises ServiceUnavailable: no thread could be started; nothing was sent"""
    try:
        process_end.enter(life, at_exit, on_signals)
        life.runtime.spawn(life.live)
    except RuntimeError as error:
        life.finished = True
        process_end.leave(life)
        problem = f"no thread could be started: {error}"
        raise ServiceUnavailable(f"No session was opened: {problem}", problem=problem) from error


def _wait_opened(life: LiveSession, cancel: Optional[threading.Event]) -> None:
    runtime = life.runtime
    if cancel is None:
        runtime.pause(lambda: 0 if life.is_open_or_failed() else math.inf)
        return
    while not life.is_open_or_failed() and not cancel.is_set():
        look_ms = runtime.now_ms() + _LOOK_MS
        runtime.pause(lambda: 0 if life.is_open_or_failed() else look_ms)
