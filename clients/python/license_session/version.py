"""The version of the package, for whom it is installed and for the service's logs."""

from __future__ import annotations

__version__ = "0.2.0"
