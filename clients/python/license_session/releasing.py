"""Frees a session at the service."""

from __future__ import annotations

from typing import Mapping

from .answers import read_release_answer
from .requests import RELEASE_PATH
from .service import Service
from .status import ReleaseOutcome
from .timing import retry_delay_ms

__all__ = ["release_session"]


def release_session(
    service: Service,
    body: Mapping[str, object],
    *,
    request_timeout_ms: int,
    heartbeat_interval_ms: int,
    until_ms: int,
) -> ReleaseOutcome:
    """Retries until the given time. Never raises."""
    runtime = service.runtime
    failures = 0
    while True:
        give_up_ms = min(runtime.now_ms() + request_timeout_ms, until_ms)
        outcome = read_release_answer(service.exchange(RELEASE_PATH, body, lambda: give_up_ms))
        if outcome is not None:
            return outcome
        failures += 1
        delay_ms = retry_delay_ms(failures, heartbeat_interval_ms, runtime.random())
        again_ms = runtime.now_ms() + delay_ms
        if again_ms >= until_ms:
            return "unconfirmed"
        runtime.pause(lambda: again_ms)
