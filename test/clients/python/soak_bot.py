"""A bot of the soak test: waits for its turn, then acts as long as it may.

Prints a line for each act: the number of its session and when it looked whether it may.
"""

from __future__ import annotations

import json
import sys
import time

from license_session import ServiceUnavailable, SessionRefused, open_session

url, license_key, device = sys.argv[1:]

session = None
while session is None:
    try:
        session = open_session(url, license_key, device)
    except (ServiceUnavailable, SessionRefused):
        time.sleep(0.05)

while not session.wait_lost(0.01):
    at_ms = int(time.time() * 1000)
    if session.held:
        print(json.dumps({"token": session.fencing_token, "atMs": at_ms}), flush=True)
