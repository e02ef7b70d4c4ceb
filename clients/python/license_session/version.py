"""The version of the package, for the user agent in the service's logs."""

from __future__ import annotations

__version__ = "0.1.0"
