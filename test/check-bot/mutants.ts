import type { FindingKind } from "../../check-bot/findings.ts";

/** @param finds what check-bot must find, by the case in which it must find it */
type Fault = [name: string, to: string, finds: Readonly<Record<string, FindingKind>>];

/** The faults that are put into the program of docs/bots.md, by the text that each replaces. */
const faults: Readonly<Record<string, readonly Fault[]>> = {
  "right_until = sent + held": [
    [
      "counts by a time of its own",
      "right_until = sent + 55",
      { "outage-long": "traded-without-right" },
    ],
    [
      "counts from the answer",
      "right_until = now() + held",
      {
        "claim-answered-late": "traded-without-right",
        "heartbeat-answer-late": "traded-without-right",
      },
    ],
    [
      "keeps the first answer's time",
      "first = globals().setdefault('first', held); right_until = sent + first",
      { "shorter-right": "traded-without-right" },
    ],
    [
      "never counts for longer than it was granted first",
      "right_until = sent + min(held, 5)",
      { "longer-right": "stopped-with-right" },
    ],
    [
      "counts by the first of its claims' figures",
      'right_until = sent + answer.get("session_timeout_seconds", 60) - 5',
      { "claim-confirmed-at-third-attempt": "traded-without-right" },
    ],
  ],
  'status == 200 and code in ("granted", "recorded") and usable': [
    [
      "takes any page for a confirmation",
      'status in (200, 302) and (held := held or 5) and (answer.setdefault("session_id", "s") or True)',
      {
        "captive-portal": "traded-without-right",
        "claim-to-captive-portal": "traded-without-right",
        redirect: "traded-without-right",
      },
    ],
  ],
  "status == 200 and code in": [
    ["goes by the body, whatever the status", "code in", { "created-201": "traded-without-right" }],
  ],
  '"held_for_seconds")\n': [
    [
      "takes five seconds where the answer names none",
      '"held_for_seconds") or 5\n',
      {
        "heartbeat-without-right": "traded-without-right",
        "claim-without-right": "traded-without-right",
      },
    ],
  ],
  "    except Exception:\n        answer = {}": [
    [
      "takes a request that failed for a confirmed one",
      '    except Exception:\n        status, answer = 200, {"code": "recorded", "held_for_seconds": 12}',
      {
        "connection-reset": "traded-without-right",
        "answers-lost": "traded-without-right",
        "connection-hangs": "traded-without-right",
      },
    ],
    [
      "ends when it can't read an answer",
      "    except OSError:\n        answer = {}",
      { "broken-body": "stopped-with-right" },
    ],
    [
      "ends at the first refused connection",
      "    except ValueError:\n        answer = {}",
      { "refused-connection-at-start": "no-claim" },
    ],
    [
      "ends when a request fails",
      "    except Exception:\n        os._exit(1)",
      {
        "claim-reset": "did-not-open",
        "huge-body": "ended-with-right",
        "outage-short": "ended-with-right",
      },
    ],
    [
      "takes a doubled answer for the next one's",
      "    except Exception:\n        answer = {}\n    if status == 500: status, answer = 200, globals().get('last', {})\n    globals()['last'] = answer",
      { "answer-doubled": "traded-without-right" },
    ],
  ],
  "timeout=5": [
    ["waits for an answer without end", "timeout=600", { "connection-hangs": "did-not-return" }],
  ],
  "        #|     sleep in steps": [
    [
      "ends at any error",
      "        if status >= 400:\n            over = True\n        #|     sleep in steps",
      {
        "internal-error": "ended-with-right",
        "unavailable-html": "ended-with-right",
        "bare-500": "ended-with-right",
        "bare-401-and-403": "ended-with-right",
        "heartbeat-late": "ended-with-right",
      },
    ],
  ],
  "min(retry_after, 15)": [
    ["does not know Retry-After", "1", { "too-many-requests": "ignored-retry-after" }],
  ],
  "following = now() + min(retry_after, 15)": [
    [
      "does not pause after a failure of the service",
      "following = now()",
      { "internal-error": "asked-too-often" },
    ],
  ],
  'answer.get("heartbeat_interval_seconds") or held / 3': [
    ["beats far too rarely", "4.6", { "ordinary-life": "beat-too-rarely" }],
    ["beats far too often", "0.5", { "ordinary-life": "beat-too-often" }],
    [
      "ends without an interval",
      'answer["heartbeat_interval_seconds"] + 0',
      { "no-interval": "stopped-with-right" },
    ],
  ],
  '{"session_id": session_id})\n': [
    ["sends no session_id", "{})\n", { "ordinary-life": "session-not-named" }],
  ],
  '{"run_id": run_id, "claim_number": claim_number}\n            answer': [
    ["names no run", "{}\n            answer", { "ordinary-life": "run-not-named" }],
  ],
  "secrets.token_hex(16)": [
    ["names a fixed run", '"0123456789abcdef"', { "second-instance": "run-not-named" }],
  ],
  '            names = {"run_id"': [
    [
      "counts attempts instead of openings",
      '            claim_number += 1\n            names = {"run_id"',
      { "claim-answer-lost": "claim-number-wrong" },
    ],
  ],
  '            names = {"run_id": run_id,': [
    [
      "is a new run at each attempt",
      '            names = {"run_id": secrets.token_hex(16),',
      { "claim-slow": "stopped-with-right" },
    ],
  ],
  "            claim_number += 1\n": [
    ["opens anew under the old number", "", { "session-not-found": "claim-number-wrong" }],
  ],
  "max(fresh[0] - clocks[0], fresh[1] - clocks[1])": [
    [
      "trusts a monotonic clock",
      "fresh[0] - clocks[0]",
      { "suspended-machine": "traded-without-right" },
    ],
  ],
  "    return not over and now() < right_until": [
    [
      "counts its own turns instead of time",
      "    globals()['turns'] = globals().get('turns', 0) + 1\n    return not over and right_until and turns < 500",
      { "process-stopped": "traded-without-right", "taken-while-stopped": "traded-without-right" },
    ],
  ],
  '"session_taken", ': [["does not know session_taken", "", { taken: "traded-without-right" }]],
  '"session_replaced", ': [
    ["does not know session_replaced", "", { replaced: "traded-without-right" }],
  ],
  ', "session_ended"': [
    ["does not know session_ended", "", { "ended-by-operator": "traded-without-right" }],
  ],
  'code.startswith("license_")': [
    [
      "does not know the end of the license",
      "False",
      {
        "license-suspended": "traded-without-right",
        "license-expired": "traded-without-right",
        "license-unknown": "claimed-again",
      },
    ],
  ],
  '"session_not_found":': [
    [
      "claims again when another has taken the session",
      '"session_not_found" or code == "session_taken":',
      { taken: "claimed-again" },
    ],
  ],
  'elif code in ("session_conflict", "session_limit"):': [
    [
      "trades when it is refused",
      'elif code in ("session_conflict", "session_limit") and not (right_until := now() + 9):',
      { "in-use": "traded-without-right" },
    ],
  ],
  'answer["estimated_wait_seconds"]': [
    ["does not wait for a seat", "0.5", { "no-seat": "claimed-too-early" }],
  ],
  '("claim_late", "bad_request")': [
    [
      "trades after a claim that came too late",
      '("bad_request",) or (right_until := now() + 9) < 0',
      { "claim-late": "traded-without-right" },
    ],
  ],
  "signal.signal(signal.SIGTERM, stop)\n": [
    ["does not listen to SIGTERM", "", { sigterm: "not-released" }],
  ],
  "signal.signal(signal.SIGINT, stop)\n": [
    ["does not listen to Ctrl-C", "", { "ctrl-c": "not-released" }],
  ],
  '{"session_id": session_id} if session_id else names': [
    ["releases whatever its device holds", "{}", { sigterm: "released-wrong-session" }],
  ],
  "threading.Thread(target=keep": [
    [
      "prints its settings",
      "print(SELF, flush=True)\nthreading.Thread(target=keep",
      { "ordinary-life": "leaked-key" },
    ],
  ],
  'print("TRADE", flush=True)': [
    [
      "does not flush",
      'print("TRADE" if now() % 1 > 0.9 else "\\n".join(["TRADE"] * 9), flush=True)',
      { "ordinary-life": "trade-lines-held-back" },
    ],
  ],
  'code, held = answer.get("code")': [
    [
      "is thrown by a field that it doesn't know",
      'assert "later_field" not in answer\n        code, held = answer.get("code")',
      { "unknown-fields-and-nulls": "did-not-open" },
    ],
  ],
  "            answer = json.loads(response.read(65536))": [
    [
      "looks for one spelling of the media type",
      '            answer = json.loads(response.read(65536))\n            assert headers["content-type"] == "application/json"',
      { "media-type-with-charset": "did-not-open" },
    ],
  ],
};

/** Each case of check-bot is seen to fail by one of these. */
export const mutants = Object.entries(faults).flatMap(([from, those]) =>
  those.map(([name, to, finds]) => ({ name, from, to, finds })),
);
