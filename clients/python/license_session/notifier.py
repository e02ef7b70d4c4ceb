"""Reports every change to the program and its log. Never raises, and never waits for either."""

from __future__ import annotations

from functools import partial
from typing import Callable, Literal, Mapping, Optional, TypeVar

from .holder import ReleaseRequest, SymbolLost
from .options import Options
from .requests import read_report
from .runtime import Runtime, Until
from .status import State, Status

__all__ = ["Notifier"]

T = TypeVar("T")


class Notifier:
    """Calls back, and logs every change."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime
        self._last_state: Optional[State] = None
        self._name = _name_of(options)

    def notify(self, status: Status) -> None:
        """Logs the status, and queues the callback of the program, in order."""
        self._log(status)
        self._call("on_status", self._options.on_status, status)

    def lost(self, lost: SymbolLost) -> None:
        holder = f", held by {lost.active_device}" if lost.active_device else ""
        self.warning(f"{lost.symbol} is lost ({lost.code}){holder}")
        self._call("on_symbol_lost", self._options.on_symbol_lost, lost)

    def release_request(self, request: ReleaseRequest) -> None:
        symbols = f" for {', '.join(request.symbols)}" if request.symbols else ""
        self._say("info", f"{request.device} asks{symbols}, since {request.seconds_ago:.0f} s")
        self._call("on_release_request", self._options.on_release_request, request)

    def report(self, until: Until) -> Mapping[str, object]:
        """The program's report for a heartbeat; empty if it fails or is not ready in time."""
        call = self._options.report
        if call is None:
            return {}
        report = call
        try:
            # What it returns is the program's code as well, if it is a mapping of its own.
            taken = self._runtime.call_within(lambda: read_report(report()), until)
        except BaseException as error:
            self.exception("The report failed; the heartbeat is sent without it", error)
            return {}
        if taken is None:
            self.warning("The report took too long; the heartbeat is sent without it")
            return {}
        return taken

    def warning(self, text: str) -> None:
        self._say("warning", text)

    def exception(self, text: str, error: BaseException) -> None:
        """Logs a text with an exception."""

        def log() -> None:
            try:
                raise error
            except BaseException:
                self._log_exception(text)

        self._runtime.log(log)

    def _call(self, name: str, callback: Optional[Callable[[T], object]], argument: T) -> None:
        if callback is not None:
            self._runtime.call(partial(self._call_now, name, callback, argument))

    def _call_now(self, name: str, callback: Callable[[T], object], argument: T) -> None:
        try:
            callback(argument)
        except BaseException:  # Even a SystemExit must not end the callback thread.
            self._log_exception(f"{name} failed")

    def _log_exception(self, text: str) -> None:
        self._options.logger.exception(f"{self._name}: %s", text)

    def _log(self, status: Status) -> None:
        changed = status.state != self._last_state
        self._last_state = status.state
        is_loss = status.state == "ended" and status.reason != "released"
        if is_loss or (changed and status.state == "opening"):
            self._say("warning", _in_words(status))
        else:
            self._say("info" if changed else "debug", _in_words(status))

    def _say(self, level: Literal["debug", "info", "warning"], text: str) -> None:
        logger = self._options.logger
        self._runtime.log(lambda: getattr(logger, level)(f"{self._name}: %s", text))


def _name_of(options: Options) -> str:
    symbols = options.symbols or ()
    first = symbols[0] if symbols else options.caller.get("symbol")
    others = f" and {len(symbols) - 1} more" if len(symbols) > 1 else ""
    return "License session" if first is None else f"License session {first}{others}"


def _in_words(status: Status) -> str:
    holder = f", held by {status.active_device}" if status.active_device else ""
    lasts = f"{status.right_lasts_seconds:.1f} s"
    if status.state == "opening":
        return f"not open yet ({status.problem}); trying again"
    if status.state == "waiting":
        return f"waiting ({status.refusal}{holder}); free in {status.wait_seconds} s at the latest"
    if status.state == "held":
        return f"held; the right lasts {lasts}"
    if status.state == "troubled":
        return f"a heartbeat was not confirmed ({status.problem}); the right still lasts {lasts}"
    if status.state == "asking":
        problem = status.problem or "this machine was asleep"
        return f"no right until the service confirms it ({problem})"
    return f"over: {status.reason} ({status.code}){holder}"
