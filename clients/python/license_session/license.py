"""What the service says of the license."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional

__all__ = ["License"]


@dataclass(frozen=True)
class License:
    """The license, as of the last answer."""

    #: As the operator named it, ``standard`` say.
    type: Optional[str]
    #: When it ends, in UTC; ``None`` if it never does.
    expires_at: Optional[datetime]
    #: The symbols with a live session, of whatever device.
    active_symbols: tuple[str, ...]
