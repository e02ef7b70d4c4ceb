"""Prints every 20 s whether a bot lives, and claims nothing:

  PYTHONPATH=clients/python python3 clients/examples/watcher.py http://127.0.0.1:3000 DEMO-DEMO-DEMO-DEMO
"""

import sys
import time

from license_session import ServiceUnavailable, SessionRefused, check_session

url, license_key, seconds = (*sys.argv[1:], "20")[:3]


def news():
    try:
        check_session(url, license_key, "watcher", symbol="ES", open_within_seconds=10)
        # A bot that died keeps its session for 60 s. Its positions are open for longer.
        return "nobody holds the session: the bot was stopped, or it died"
    except SessionRefused as refused:
        holder = refused.holder
        if not holder:
            return refused
        status = f": {holder.status}" if holder.status else ""
        return f"{holder.device} beat {holder.last_heartbeat_seconds_ago} s ago{status}"
    except ServiceUnavailable as error:
        return f"no answer ({error.problem}): the bot may live, but can't trade for long"


while True:
    print(time.strftime("%H:%M:%S"), news(), flush=True)
    time.sleep(float(seconds))
