"""The status of a session as reported to the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional, Union

from .errors import LicenseEndCode, RefusalCode
from .holder import LossCode

__all__ = ["End", "EndCode", "EndReason", "ReleaseOutcome", "State", "Status"]

State = Literal["opening", "waiting", "held", "troubled", "asking", "ended"]
EndReason = Literal["taken", "license_ended", "lost", "released"]
EndCode = Union[
    LicenseEndCode,
    LossCode,
    Literal[
        "no_answer_in_time",
        "keeper_failed",
        "released",
    ],
]
ReleaseOutcome = Literal["released", "not_held", "left_to_lapse", "unconfirmed"]


@dataclass(frozen=True)
class End:
    """Why a session is over.

    ``reason`` is one of:

    ``taken``         another device (``active_device``) or a later claim of this one holds it, or
                      an operator ended it. Stop, and claim again only if a person decides so
    ``license_ended`` the license was suspended, cancelled, deleted or has expired. Stop
    ``lost``          not confirmed in time, or gone from the service. May be claimed again
    ``released``      by the program itself

    ``code`` is the service's, or ``no_answer_in_time``, ``keeper_failed`` (a bug of this client)
    or ``released``.
    """

    reason: EndReason
    code: EndCode
    active_device: Optional[str] = None


@dataclass(frozen=True)
class Status:
    """What ``on_status`` is called with. ``state`` is one of:

    ``opening``  a claim got no usable answer (``problem``); it is tried again
    ``waiting``  another device (``active_device``) holds the session, or every seat is taken
                 (``refusal``); it is tried again after ``wait_seconds``
    ``held``     the service has confirmed the session; the right lasts ``right_lasts_seconds``
    ``troubled`` a heartbeat was not confirmed (``problem``); the right still lasts so long
    ``asking``   no right until the service answers: the process was asleep or stuck until its
                 right was over, or may have been, as the clocks have parted (``clocks_parted``)
    ``ended``    nothing follows; ``end`` says why
    """

    state: State
    problem: Optional[str] = None
    right_lasts_seconds: float = 0.0
    wait_seconds: Optional[float] = None
    active_device: Optional[str] = None
    refusal: Optional[RefusalCode] = None
    #: With ``ask_holder``, as in :class:`license_session.SessionRefused`.
    holder_asked: Optional[bool] = None
    holder_told: Optional[bool] = None
    holder_keeps: Optional[bool] = None
    end: Optional[End] = None

    @property
    def reason(self) -> Optional[EndReason]:
        """Why the session is over, once it is."""
        return self.end.reason if self.end else None

    @property
    def code(self) -> Optional[EndCode]:
        """The code with which the session ended, once it has."""
        return self.end.code if self.end else None
