"""The attempts of an opening or of a check: when each is made, and what to say in the end."""

from __future__ import annotations

from typing import Optional

from .answers import Trouble
from .errors import ServiceUnavailable
from .options import Options
from .runtime import NO_ANSWER_IN_TIME, Runtime
from .timing import OPENING_INTERVAL_MS, attempt_timeout_ms, retry_at_ms, retry_delay_ms

__all__ = ["Attempts"]


class Attempts:
    def __init__(self, options: Options, runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime
        self._answered: Optional[Trouble] = None
        self.begin_anew()

    def begin_anew(self) -> None:
        """After an answer that could be used, the whole time is there again."""
        self._give_up_ms = self._runtime.now_ms() + self._options.open_within_ms
        self._failures = 0
        self._unanswered = 0

    def until_ms(self) -> int:
        """Until when an attempt that begins now may take. On a slow line each may take longer."""
        timeout_ms = attempt_timeout_ms(self._options.request_timeout_ms, self._unanswered)
        return min(self._runtime.now_ms() + timeout_ms, self._give_up_ms)

    def next_at_ms(self, trouble: Trouble) -> int:
        """When to try again after trouble.

        :raises ServiceUnavailable: that is no use
        """
        was_cut_off = trouble.problem == NO_ANSWER_IN_TIME
        self._failures += 1
        self._unanswered = self._unanswered + 1 if was_cut_off else 0
        if not was_cut_off:
            self._answered = trouble
        again_ms = retry_at_ms(
            self._runtime.now_ms(),
            retry_delay_ms(self._failures, OPENING_INTERVAL_MS, self._runtime.random()),
            trouble.retry_after_ms,
            self._give_up_ms,
            self._options.request_timeout_ms,
        )
        if again_ms < self._give_up_ms and not trouble.lasts:
            return again_ms
        # The last attempt may only have timed out. An earlier answer then explains more.
        raise _unavailable((was_cut_off and self._answered) or trouble)


def _unavailable(trouble: Trouble) -> ServiceUnavailable:
    error = ServiceUnavailable(
        f"The license service gave no usable answer: {trouble.problem}",
        problem=trouble.problem,
        status=trouble.status,
        request_id=trouble.request_id,
    )
    error.__cause__ = trouble.cause
    return error
