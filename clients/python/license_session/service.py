"""One request to the service and its answer."""

from __future__ import annotations

import json
from typing import Mapping

from .options import Options
from .runtime import Exchange, Runtime, Until

__all__ = ["Service"]


class Service:
    """The service as one session sees it."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        self.options = options
        self.runtime = runtime

    def exchange(self, path: str, body: Mapping[str, object], until: Until) -> Exchange:
        """Posts a body. Returns by the instant, and raises nothing."""
        return self.runtime.exchange(path, json.dumps(body).encode(), until)
