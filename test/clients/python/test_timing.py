"""When: all clients keep time by the cases in ``clients/vectors/timing.json``."""

from __future__ import annotations

import json
import math
import unittest
from typing import Any, Callable

from license_session.timing import (
    attempt_timeout_ms,
    heartbeat_delay_ms,
    milliseconds,
    poll_delay_ms,
    retry_at_ms,
    retry_delay_ms,
    timing_of,
)
from camel_case import in_camel_case
from scripted_runtime import ROOT

#: Of each table: the function, what it takes, and what it gives.
TABLES: "dict[str, tuple[Callable[..., Any], str, str]]" = {
    "timings": (
        lambda *times: in_camel_case(timing_of(*times)),
        "sessionTimeoutMs heldForMs namedIntervalMs marginMs requestTimeoutMs",
        "timing",
    ),
    "heartbeatDelays": (heartbeat_delay_ms, "intervalMs random", "delayMs"),
    "retryDelays": (retry_delay_ms, "failures intervalMs random", "delayMs"),
    "attemptTimeouts": (attempt_timeout_ms, "requestTimeoutMs unanswered", "timeoutMs"),
    "pollDelays": (poll_delay_ms, "waitSeconds random", "delayMs"),
    "retryInstants": (retry_at_ms, "nowMs delayMs retryAfterMs endsMs requestTimeoutMs", "atMs"),
}


class Times(unittest.TestCase):
    maxDiff = None

    def test_all_times_are_those_of_the_tables(self) -> None:
        tables = json.loads((ROOT / "clients/vectors/timing.json").read_text(encoding="utf-8"))
        self.assertEqual(set(tables), set(TABLES))
        for table, cases in tables.items():
            function, takes, gives = TABLES[table]
            for case in cases:
                with self.subTest(case.get("guarantee", case), table=table):
                    arguments = [case[name] for name in takes.split()]
                    self.assertEqual(function(*arguments), case[gives])

    def test_what_is_longer_than_thirty_years_is_cut(self) -> None:
        self.assertEqual(milliseconds(1.5), 1_500)
        self.assertEqual(milliseconds(math.inf), 10**12)
