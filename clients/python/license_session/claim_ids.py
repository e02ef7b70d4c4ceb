"""The ids of the claims of one process."""

from __future__ import annotations

import itertools
import os
import uuid
from typing import Callable

__all__ = ["ClaimIds", "of_this_process"]


class ClaimIds:
    """Ids in the order of the openings: ``random.process.number``. By the last two the service
    knows an attempt of an earlier opening that arrives late, which must not replace the session of
    a later one.

    :param random_id: a new id at each call: hex, at most 32 characters
    """

    def __init__(self, random_id: Callable[[], str]) -> None:
        self._random_id = random_id
        self._start = random_id()[:8]
        self._openings = itertools.count(1)

    def next(self) -> str:
        # A child that was forked has the parent's start and count, but not its id.
        process = f"{self._start}-{os.getpid()}"
        return f"{self._random_id()}.{process}.{next(self._openings)}"


#: For all sessions of this process.
of_this_process = ClaimIds(lambda: uuid.uuid4().hex)
