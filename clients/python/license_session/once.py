"""A value that is set once."""

from __future__ import annotations

from typing import Dict, Generic, Optional, TypeVar

__all__ = ["Once"]

T = TypeVar("T")


class Once(Generic[T]):
    """Set by whoever comes first, on any thread, in a signal handler, or while an object is
    collected. A lock could be held by the very code that was interrupted.
    """

    def __init__(self) -> None:
        self._values: Dict[None, T] = {}

    @property
    def value(self) -> Optional[T]:
        return self._values.get(None)

    def set(self, value: T) -> T:
        """Returns the value that counts: this one, or an earlier one."""
        # The one step that no other thread can interrupt.
        return self._values.setdefault(None, value)
