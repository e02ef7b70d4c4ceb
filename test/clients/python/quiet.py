"""A logger for tests that make trouble on purpose."""

from __future__ import annotations

import logging

QUIET = logging.getLogger("quiet")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False
