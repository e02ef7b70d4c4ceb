"""The ids of the claims of one process."""

from __future__ import annotations

import itertools
import os
import uuid

__all__ = ["next_claim_id"]

_process = ""
_numbers = itertools.count(1)


def next_claim_id() -> str:
    """``random.process.number``. By the last two parts the service recognises a late attempt at an
    earlier claim of this process, which must not replace the session of a later one.
    """
    return f"{uuid.uuid4().hex}.{_process}.{next(_numbers)}"


def _begin_process() -> None:
    global _process
    _process = uuid.uuid4().hex[:16]


_begin_process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_process)
