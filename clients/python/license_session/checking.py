"""Asks whether a session could be opened, until there is an answer that can be used."""

from __future__ import annotations

from .answers import Available, Granted, Trouble, read_claim_answer
from .attempts import Attempts
from .errors import LicenseSessionError
from .license import License
from .requests import CLAIM_PATH, check_body
from .service import Service

__all__ = ["check"]


def check(service: Service) -> License:
    """:raises LicenseSessionError: what opening a session would raise"""
    options, runtime = service.options, service.runtime
    body = check_body(options.caller, runtime.next_claim_name(), options.only_if_free)
    attempts = Attempts(options, runtime)
    while True:
        until_ms = attempts.until_ms()
        outcome = read_claim_answer(service.exchange(CLAIM_PATH, body, lambda: until_ms))
        if isinstance(outcome, Available):
            return outcome.license
        if isinstance(outcome, LicenseSessionError):
            raise outcome
        trouble = Trouble("granted") if isinstance(outcome, Granted) else outcome
        again_ms = attempts.next_at_ms(trouble)
        runtime.pause(lambda: again_ms)
