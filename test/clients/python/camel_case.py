"""Names as the vectors write them, which TypeScript reads, too."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Mapping, NamedTuple


def in_camel_case(values: NamedTuple) -> dict[str, Any]:
    return {_camel_case(name): value for name, value in values._asdict().items()}


def what_is_known(value: Any) -> Any:
    """The same of all that is in it, without what is not known."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        known = {_camel_case(name): what_is_known(each) for name, each in value.items()}
        return {name: each for name, each in known.items() if each not in (None, [])}
    return [what_is_known(each) for each in value] if isinstance(value, (tuple, list)) else value


def _camel_case(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
