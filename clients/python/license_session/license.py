"""What the service says about the license."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional

__all__ = ["License"]


@dataclass(frozen=True)
class License:
    """The license, as of the last answer."""

    #: The type that the operator set, such as ``standard``.
    type: Optional[str]
    #: When it ends, in UTC; ``None`` if it never does.
    expires_at: Optional[datetime]
    #: The symbols with a live session on any device.
    active_symbols: tuple[str, ...]
