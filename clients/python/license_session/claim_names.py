"""Names the openings of this process, so that the service can tell a late attempt from a new."""

from __future__ import annotations

import itertools
import os
import uuid
from typing import NamedTuple

__all__ = ["ClaimName", "next_claim_name"]


class ClaimName(NamedTuple):
    """The same for every attempt of one opening."""

    #: Random, and new each time a process starts. Never stored.
    run_id: str
    #: 1, 2, ... within the run.
    claim_number: int


_run_id = ""
_numbers = itertools.count(1)


def next_claim_name() -> ClaimName:
    return ClaimName(_run_id, next(_numbers))


def _begin_run() -> None:
    global _run_id
    _run_id = uuid.uuid4().hex


_begin_run()
if hasattr(os, "register_at_fork"):
    # A forked child is a process of its own, which must not go on in its parent's run.
    os.register_at_fork(after_in_child=_begin_run)
