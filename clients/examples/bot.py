"""A bot for one symbol. Asked for its session by another device, it closes its position and releases:

  PYTHONPATH=clients/python python3 clients/examples/bot.py http://127.0.0.1:3000 DEMO-DEMO-DEMO-DEMO vps-21c4d8

A last word ``ask`` asks the device that holds the session; ``keep`` keeps it when asked.
"""

import math
import signal
import sys
import time

from license_session import SessionRefused, check_session, open_session

url, license_key, device, word = (*sys.argv[1:], "")[:4]
position, asked, stopped = 0, [], []

def on_release_request(request):
    session.keep() if word == "keep" else asked.append(request)

def on_ctrl_c(handler):
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, handler)

on_ctrl_c(signal.default_int_handler)
reason = "lost"
while reason == "lost":
    with open_session(
        url, license_key, device, symbol="ES", ask_holder=word == "ask", on_release_request=on_release_request,
        open_within_seconds=math.inf, wait_within_seconds=math.inf, release_on_signals=False,
        report=lambda: {"status": "long" if position else "flat"},
        on_status=lambda status: status.state == "held" or print({k: v for k, v in vars(status).items() if v}),
    ) as session:
        on_ctrl_c(lambda *_: stopped.append(True))  # The position is closed before the session is released.
        print(f"held; ask the broker what is open: by this bot's account {position}")
        order = 0
        while not session.wait_lost(1.0) and not stopped and not asked:
            if session.held:  # False after sleep, until the service has answered.
                position, order = 1 - position, order + 1
                print(f"{'buy' if position else 'sell'} ES-{session.fencing_token}-{order}")
        if not session.ended:
            print(f"closing a position of {position}")
            position = 0
            print(f"{session.release()}{f', for {asked[0].device}' if asked else ''}")
    on_ctrl_c(signal.default_int_handler)
    reason = session.ended.reason
    if position:  # Nobody closes it, and another device may trade by now.
        print(f"{reason}: a position of {position} stays open at the broker")
# Who claims first after a release has the session: the device that asked, unless another is faster.
for _ in range(60 if asked else 0):
    try:
        time.sleep(1)
        check_session(url, license_key, device, symbol="ES")
    except SessionRefused as refused:
        print(f"the session went to {refused.active_device}")
        break
