"""A bot with the Python client, for check-bot. A session that is lost, and taken by nobody, is opened anew."""

import os

from license_session import open_session

reason = "lost"
while reason == "lost":
    with open_session(
        os.environ["LICENSE_URL"],
        os.environ["LICENSE_KEY"],
        os.environ["DEVICE_FINGERPRINT"],
        symbol=os.environ["SYMBOL"],
        wait_within_seconds=20,
    ) as session:
        while not session.wait_lost(0.1):
            if session.held:
                print("TRADE", flush=True)
    reason = session.ended.reason
    print(session.ended, flush=True)
