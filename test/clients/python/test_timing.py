"""When: both clients keep time by the cases in ``clients/vectors/timing.json``."""

from __future__ import annotations

import json
import math
import unittest

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

VECTORS = json.loads((ROOT / "clients/vectors/timing.json").read_text(encoding="utf-8"))


class Times(unittest.TestCase):
    maxDiff = None

    def test_a_session_is_kept_by_the_figures_of_the_table(self) -> None:
        for case in VECTORS["timings"]:
            with self.subTest(case["guarantee"]):
                timing = timing_of(
                    case["sessionTimeoutMs"],
                    case["heldForMs"],
                    case["namedIntervalMs"],
                    case["marginMs"],
                    case["requestTimeoutMs"],
                )
                self.assertEqual(in_camel_case(timing), case["timing"])

    def test_a_heartbeat_comes_up_to_a_tenth_early(self) -> None:
        for case in VECTORS["heartbeatDelays"]:
            with self.subTest(case):
                delay_ms = heartbeat_delay_ms(case["intervalMs"], case["random"])
                self.assertEqual(delay_ms, case["delayMs"])

    def test_retries_are_spaced_out(self) -> None:
        for case in VECTORS["retryDelays"]:
            with self.subTest(case):
                delay_ms = retry_delay_ms(case["failures"], case["intervalMs"], case["random"])
                self.assertEqual(delay_ms, case["delayMs"])

    def test_an_opening_s_attempts_may_take_longer_on_a_slow_line(self) -> None:
        for case in VECTORS["attemptTimeouts"]:
            with self.subTest(case):
                timeout_ms = attempt_timeout_ms(case["requestTimeoutMs"], case["unanswered"])
                self.assertEqual(timeout_ms, case["timeoutMs"])

    def test_who_waits_claims_again_as_often_as_the_table_says(self) -> None:
        for case in VECTORS["pollDelays"]:
            with self.subTest(case["guarantee"]):
                delay_ms = poll_delay_ms(case["waitSeconds"], case["random"])
                self.assertEqual(delay_ms, case["delayMs"])

    def test_a_retry_comes_when_the_answer_asks_for_it_and_in_time(self) -> None:
        for case in VECTORS["retryInstants"]:
            with self.subTest(case["guarantee"]):
                at_ms = retry_at_ms(
                    case["nowMs"],
                    case["delayMs"],
                    case["retryAfterMs"],
                    case["endsMs"],
                    case["requestTimeoutMs"],
                )
                self.assertEqual(at_ms, case["atMs"])

    def test_what_is_longer_than_thirty_years_is_cut(self) -> None:
        self.assertEqual(milliseconds(1.5), 1_500)
        self.assertEqual(milliseconds(math.inf), 10**12)


if __name__ == "__main__":
    unittest.main()
