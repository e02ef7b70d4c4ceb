"""The program of docs/bots.md, line by line, in Python. Each line of the page stands above what it became."""

import json
import os
import secrets
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from random import random

URL = os.environ["LICENSE_URL"]
SELF = {
    "license_key": os.environ["LICENSE_KEY"],
    "device_fingerprint": os.environ["DEVICE_FINGERPRINT"],
    "symbol": os.environ["SYMBOL"],
}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


http = urllib.request.build_opener(NoRedirect)
clock_lock = threading.Lock()
clocks = (time.monotonic(), time.time())
total = 0.0

#| run_id = 32 random hex digits        # new at each start, kept in memory only
run_id = secrets.token_hex(16)
#| claim_number = 1; session_id = none; right_until = 0; over = false
claim_number, session_id, right_until, over = 1, None, 0.0, False
interval = 20.0
#|


#| now():                               # seconds, under a lock; see "Which clock"
def now():
    global total, clocks
    #|   total += the greater of what the monotonic and the wall clock gained since the last call
    with clock_lock:
        fresh = (time.monotonic(), time.time())
        total += max(fresh[0] - clocks[0], fresh[1] - clocks[1])
        clocks = fresh
        #|   return total
        return total
        #|


#| may_trade():                         # ask before every order
def may_trade():
    #|   return not over and now() < right_until
    return not over and now() < right_until
    #|


#| ask(path, fields):
def ask(path, fields):
    #|   sent = now()
    sent = now()
    #|   try: answer = POST url + path; the fields, license_key, device_fingerprint and symbol as JSON;
    #|        follow no redirect, read at most 64 KiB, give up after 5 s
    body = json.dumps({**SELF, **fields}).encode()
    request = urllib.request.Request(URL + path, body, {"content-type": "application/json"})
    status, answer, headers = 0, {}, {}
    try:
        try:
            response = http.open(request, timeout=5)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            status, headers = response.status, response.headers
            answer = json.loads(response.read(65536))
    #|   if anything fails, or the body is no JSON object: answer = {}
    except Exception:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    #|   return answer, with its status, its Retry-After, and sent
    retry_after = headers.get("retry-after", "") if headers else ""
    return answer, status, float(retry_after) if retry_after.isdigit() else 1.0, sent
    #|


#| keep():                              # on a thread of its own, or from a timer
def keep():
    global claim_number, session_id, right_until, over, interval
    #|   until over:
    while not over:
        #|     if session_id is none: answer = ask("/api/validate-license", run_id, claim_number)
        if session_id is None:
            names = {"run_id": run_id, "claim_number": claim_number}
            answer, status, retry_after, sent = ask("/api/validate-license", names)
        #|     else: answer = ask("/api/heartbeat", session_id)
        else:
            answer, status, retry_after, sent = ask("/api/heartbeat", {"session_id": session_id})
        #|     code = answer.code; held = answer.held_for_seconds
        code, held = answer.get("code"), answer.get("held_for_seconds")
        #|     next = now() + (Retry-After, or 1 s)
        following = now() + min(retry_after, 15)
        #|     if status is 200, code is "granted" or "recorded", and held is a number above 0:
        usable = isinstance(held, (int, float)) and held > 0
        if status == 200 and code in ("granted", "recorded") and usable:
            #|       right_until = sent + held      # from the sending, not from the answer
            right_until = sent + held
            #|       if code is "granted": session_id, interval = those of the answer; interval is held / 3 if absent
            if code == "granted":
                session_id = answer["session_id"]
                interval = answer.get("heartbeat_interval_seconds") or held / 3
            #|       next = sent + interval, less a random part of up to a tenth
            following = sent + interval * (1 - random() / 10)
        #|     else if code is "session_not_found":
        elif code == "session_not_found":
            #|       right_until = 0; session_id = none; claim_number += 1
            right_until, session_id = 0.0, None
            claim_number += 1
        #|     else if code is "session_conflict" or "session_limit": next = now() + answer.estimated_wait_seconds
        elif code in ("session_conflict", "session_limit"):
            following = now() + answer["estimated_wait_seconds"]
        #|     else if the table says of code "stop": right_until = 0; over = true; print answer.message
        elif isinstance(code, str) and (
            code.startswith("license_")
            or code in ("session_taken", "session_replaced", "session_ended")
            or code in ("claim_late", "bad_request")
        ):
            right_until, over = 0.0, True
            print(answer.get("message"), flush=True)
        #|     sleep in steps of 0.1 s until now() >= next, or over
        while now() < following and not over:
            time.sleep(0.1)
            #|


#| stop():                              # when the program ends; at Ctrl-C and SIGTERM
def stop(*_):
    global over
    #|   over = true
    over = True
    #|   ask("/api/session/release", session_id; if it is none: run_id, claim_number)
    names = {"run_id": run_id, "claim_number": claim_number}
    ask("/api/session/release", {"session_id": session_id} if session_id else names)
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
threading.Thread(target=keep, daemon=True).start()
while not over:
    if may_trade():
        print("TRADE", flush=True)
    time.sleep(0.1)
