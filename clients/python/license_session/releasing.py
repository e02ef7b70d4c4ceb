"""Frees a session at the service."""

from __future__ import annotations

from typing import Callable, Mapping

from .answers import read_release_answer
from .requests import RELEASE_PATH
from .runtime import NoAnswer
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
    is_needless: Callable[[], bool] = lambda: False,
) -> ReleaseOutcome:
    """Retries until the given time, or until it is needless. Never raises."""
    runtime = service.runtime
    failures = 0
    while True:
        give_up_ms = min(runtime.now_ms() + request_timeout_ms, until_ms)
        exchange = service.exchange(RELEASE_PATH, body, lambda: 0 if is_needless() else give_up_ms)
        outcome = read_release_answer(exchange)
        if outcome is not None:
            return outcome
        if isinstance(exchange, NoAnswer) and exchange.lasts:
            return "unconfirmed"
        failures += 1
        delay_ms = retry_delay_ms(failures, heartbeat_interval_ms, runtime.random())
        again_ms = runtime.now_ms() + delay_ms
        if again_ms >= until_ms or is_needless():
            return "unconfirmed"
        runtime.pause(lambda: 0 if is_needless() else again_ms)
