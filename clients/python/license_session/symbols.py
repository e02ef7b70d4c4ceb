"""How symbols are compared."""

from __future__ import annotations

import unicodedata

__all__ = ["in_service_form"]


def in_service_form(symbol: str) -> str:
    """The service takes names that differ in case or in their Unicode form for one."""
    upper = unicodedata.normalize("NFC", symbol.strip()).upper()
    return unicodedata.normalize("NFC", upper)
