"""Plays the openings in a file, as ``test/simulation/record-openings.ts`` wrote them down, and
prints each that goes otherwise as a line of JSON; at the end, how many were played.
"""

from __future__ import annotations

import json
import pathlib
import sys
import unittest

from test_scenarios import play

openings = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
for opening in openings:
    try:
        play(unittest.TestCase(), opening)
    except Exception as error:
        print(json.dumps({"opening": opening, "problem": f"{type(error).__name__}: {error}"}))
print(json.dumps({"played": len(openings)}))
