"""The names of a named tuple as the vectors write them, which TypeScript reads, too."""

from __future__ import annotations

import re
from typing import Any, NamedTuple


def in_camel_case(values: NamedTuple) -> dict[str, Any]:
    return {
        re.sub(r"_([a-z])", lambda match: match[1].upper(), name): value
        for name, value in values._asdict().items()
    }
