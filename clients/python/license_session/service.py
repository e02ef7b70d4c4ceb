"""One request to the service and its answer."""

from __future__ import annotations

import json
from typing import Mapping, Optional

from .options import Options
from .runtime import Answer, Exchange, NoAnswer, Runtime, Until
from .signatures import Asked

__all__ = ["Service"]


class Service:
    """The service as one session sees it."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        self.options = options
        self.runtime = runtime
        #: By how much the service's clock is ahead of ours, at least, in milliseconds.
        self._lead_ms: Optional[float] = None

    def exchange(self, path: str, body: Mapping[str, object], until: Until) -> Exchange:
        """Posts a body. Returns by the instant, and raises nothing. With pinned keys, an answer that
        is not signed as the answer to this request is none.
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
        lead_ms = float("-inf") if self._lead_ms is None else self._lead_ms
        verdict = signing.verifier.problem_with(exchange, asked, (sent_ms + lead_ms) / 1000)
        if isinstance(verdict, str):
            return NoAnswer(verdict)
        self._learn(exchange, verdict)
        return exchange

    def _learn(self, answer: Answer, created_seconds: int) -> None:
        # A function whose clock is wrong says so by a failure, and its time says nothing.
        if answer.status == 200:
            lead_ms = created_seconds * 1000 - self.runtime.now_ms()
            self._lead_ms = lead_ms if self._lead_ms is None else max(self._lead_ms, lead_ms)
