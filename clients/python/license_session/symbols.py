"""How symbols are compared."""

from __future__ import annotations

import unicodedata
from typing import Iterable, Tuple

__all__ = ["in_service_form", "symbols_among", "symbols_without"]


def in_service_form(symbol: str) -> str:
    """The service takes names that differ in case or in their Unicode form for one."""
    upper = unicodedata.normalize("NFC", symbol.strip()).upper()
    return unicodedata.normalize("NFC", upper)


def symbols_among(symbols: Iterable[str], among: Iterable[str]) -> Tuple[str, ...]:
    """Those of ``symbols`` that are named in ``among``, however it writes them."""
    named = {in_service_form(symbol) for symbol in among}
    return tuple(symbol for symbol in symbols if in_service_form(symbol) in named)


def symbols_without(symbols: Iterable[str], among: Iterable[str]) -> Tuple[str, ...]:
    named = {in_service_form(symbol) for symbol in among}
    return tuple(symbol for symbol in symbols if in_service_form(symbol) not in named)
