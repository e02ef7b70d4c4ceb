"""One request to the service and its answer."""

from __future__ import annotations

import json
import math
from typing import Mapping

from .options import Options
from .runtime import Exchange, NoAnswer, Runtime, Until
from .signatures import Asked

__all__ = ["Service"]

#: Functions fail if their clock is off by 2 s, dates are in whole seconds, and clocks drift.
_CREATED_TOLERANCE_MS = 6_000


class Service:
    """The service as one session sees it."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        self.options = options
        self.runtime = runtime
        #: The lead of the service's clock over ours: its least and greatest value, in milliseconds.
        self._lead_ms = (-math.inf, math.inf)

    def exchange(self, path: str, body: Mapping[str, object], until: Until) -> Exchange:
        """Posts a body. Returns by the given time, and never raises. With pinned keys, an answer
        that is not signed for this request counts as no answer.
        """
        signing = self.options.signing
        if signing is None:
            return self.runtime.exchange(path, json.dumps(body).encode(), until)
        nonce = self.runtime.random_id()
        text = json.dumps({**body, "nonce": nonce}).encode()
        sent_ms = self.runtime.now_ms()
        exchange = self.runtime.exchange(path, text, until)
        if isinstance(exchange, NoAnswer):
            return exchange
        asked = Asked(f"{signing.base_path}/{path}", text, nonce)
        received_ms = self.runtime.now_ms()
        problem, created = signing.verifier.verdict_on(
            exchange,
            asked,
            (
                (sent_ms + self._lead_ms[0] - _CREATED_TOLERANCE_MS) / 1000,
                (received_ms + self._lead_ms[1] + _CREATED_TOLERANCE_MS) / 1000,
            ),
        )
        # Updated by every signed answer, even one at a wrong time: clocks drift, and stand still in
        # a paused machine. An internal_error is ignored: the function's clock may be its cause.
        if created is not None and b'"code":"internal_error"' not in exchange.body:
            self._lead_ms = (created * 1000 - received_ms, created * 1000 - sent_ms)
        return exchange if problem is None else NoAnswer(problem)
