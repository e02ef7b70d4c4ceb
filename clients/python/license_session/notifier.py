"""Reports every change to the program and its log. Never raises, and never blocks."""

from __future__ import annotations

from functools import partial
from typing import Literal, Mapping, Optional

from .options import OnStatus, Options
from .runtime import Runtime, Until
from .status import State, Status

__all__ = ["Notifier"]


class Notifier:
    """Calls back, and logs every change."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime
        self._last_state: Optional[State] = None
        symbol = options.caller.get("symbol")
        self._name = "License session" if symbol is None else f"License session {symbol}"

    def notify(self, status: Status) -> None:
        """Logs the status, and queues the callback of the program, in order."""
        self._log(status)
        on_status = self._options.on_status
        if on_status is not None:
            self._runtime.call(partial(self._call, on_status, status))

    def report(self, until: Until) -> Mapping[str, object]:
        """The program's report for a heartbeat; empty if it fails or is not ready in time."""
        report = self._options.report
        if report is None:
            return {}
        try:
            taken = self._runtime.call_within(report, until)
        except BaseException:
            self.exception("The report failed; the heartbeat is sent without it")
            return {}
        if taken is None:
            self.warning("The report took too long; the heartbeat is sent without it")
            return {}
        return taken

    def warning(self, text: str) -> None:
        self._say("warning", text)

    def exception(self, text: str) -> None:
        """Logs a text with the exception that is being handled."""
        self._say("exception", text)

    def _call(self, on_status: OnStatus, status: Status) -> None:
        try:
            on_status(status)
        except BaseException:  # Even a SystemExit must not end the callback thread.
            self.exception("on_status failed")

    def _log(self, status: Status) -> None:
        changed = status.state != self._last_state
        self._last_state = status.state
        if status.state == "ended" and status.reason != "released":
            self._say("warning", _in_words(status))
        else:
            self._say("info" if changed else "debug", _in_words(status))

    def _say(self, level: Literal["debug", "info", "warning", "exception"], text: str) -> None:
        try:
            getattr(self._options.logger, level)(f"{self._name}: %s", text)
        except Exception:
            pass  # A logger that raises must not end the session.


def _in_words(status: Status) -> str:
    holder = f", held by {status.active_device}" if status.active_device else ""
    lasts = f"{status.right_lasts_seconds:.1f} s"
    if status.state == "opening":
        return f"not open yet ({status.problem}); trying again"
    if status.state == "waiting":
        return f"waiting ({status.refusal}{holder}); trying again in {status.wait_seconds} s"
    if status.state == "held":
        return f"held; the right lasts {lasts}"
    if status.state == "troubled":
        return f"a heartbeat was not confirmed ({status.problem}); the right still lasts {lasts}"
    if status.state == "asking":
        problem = status.problem or "this machine was asleep"
        return f"no right until the service confirms it ({problem})"
    return f"over: {status.reason} ({status.code}){holder}"
