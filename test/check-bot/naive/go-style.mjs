// A bot in Go's style: goroutines become timers, `if err != nil` becomes a catch. (Go's compiler takes 450 MB in
// Debian, too much for a gate; the fault is the same in any language.) It keeps its session in the ordinary life.
// It must fail: each attempt of a claim is a run of its own, so that a slow first one replaces the second.
import { randomUUID } from "node:crypto";

const { LICENSE_URL, LICENSE_KEY, DEVICE_FINGERPRINT, SYMBOL } = process.env;

async function post(path, fields) {
  const body = {
    license_key: LICENSE_KEY,
    device_fingerprint: DEVICE_FINGERPRINT,
    symbol: SYMBOL,
    ...fields,
  };
  const sent = performance.now() / 1_000;
  const response = await fetch(`${LICENSE_URL}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
  return { ...(await response.json()), sent, status: response.status };
}

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

async function claim() {
  for (;;) {
    try {
      const names = { run_id: randomUUID(), claim_number: 1 };
      const answer = await post("/api/validate-license", names);
      if (answer.status === 200 && answer.held_for_seconds) return answer;
      if (answer.code) throw new Error(answer.message);
    } catch (error) {
      if (error.name !== "TimeoutError" && error.name !== "TypeError") throw error;
    }
    await sleep(1);
  }
}

const granted = await claim();
let until = granted.sent + granted.held_for_seconds;
setInterval(() => {
  if (performance.now() / 1_000 < until) console.log("TRADE");
}, 100);

for (;;) {
  await sleep(granted.heartbeat_interval_seconds);
  try {
    const answer = await post("/api/heartbeat", { session_id: granted.session_id });
    if (answer.status === 200) until = answer.sent + answer.held_for_seconds;
    if (/^(session_|license_)/.test(answer.code)) {
      console.log(answer.message);
      process.exit(1);
    }
  } catch {
    // The next heartbeat may get through.
  }
}
