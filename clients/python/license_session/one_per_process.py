"""Several copies of this package in one process, such as one that another package brings."""

from __future__ import annotations

import sys

__all__ = ["is_first"]


def is_first(module: str, form: int) -> bool:
    """Whether a module is the first of its kind in this process. If not, that one takes its place,
    so that errors are caught whichever copy raises them, and one signal handler serves all sessions.

    :param form: must grow when a copy that does not know the change could not work with it
    """
    own = sys.modules[module]
    first = sys.modules.setdefault(f"{module.rpartition('.')[2]} of license-session {form}", own)
    sys.modules[module] = first
    return first is own
