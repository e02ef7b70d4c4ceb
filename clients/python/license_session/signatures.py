"""Answers that only the service can have given: HTTP Message Signatures (RFC 9421) over digests
(RFC 9530), with Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import json
import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Union

from .runtime import Answer

__all__ = ["Asked", "Signed", "Verifier", "key_id_of", "signature_base", "signatures_of"]

#: What a signature must cover, so that the answer is to this request, whole, and nobody edited it.
_COVERED = (
    '"@status"',
    '"content-digest"',
    '"@method";req',
    '"@path";req',
    '"content-digest";req',
)

#: Seconds by which the clocks of two functions may differ, and by which seconds are cut off.
_CLOCK_TOLERANCE_SECONDS = 5

#: ``label=("covered" ...);parameter=value``
_MEMBER = re.compile(
    r'([a-z*][a-z0-9_.*-]*)=(\(((?:"[^"\\]*"(?:;[a-z]+)?(?: |(?=\))))*)\)'
    r'((?:;[a-z]+=(?:[0-9]+|"(?:[^"\\]|\\.)*"))*))(?:[ \t]*,[ \t]*|$)'
)
_PARAMETER = re.compile(r';([a-z]+)=(?:([0-9]+)|"((?:[^"\\]|\\.)*)")')
_COMPONENT = re.compile(r'"[^"\\]*"(?:;[a-z]+)?')
_SIGNATURE = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):(?:[ \t]*,[ \t]*|$)")


class Asked(NamedTuple):
    """The request to which an answer must be."""

    path: str
    body: bytes
    nonce: str


class Signed(NamedTuple):
    """One of the signatures of a message."""

    covered: List[str]
    parameters: Mapping[str, Union[int, str]]
    #: The covered components and the parameters as they came.
    text: str
    signature: bytes


class Verifier:
    """The keys that a bot has pinned."""

    def __init__(self, public_keys: Union[str, Sequence[str]]) -> None:
        """
        :param public_keys: ``ed25519:`` and 32 bytes in base64url, each; two during a rotation
        :raises ValueError: one is none, or there is none
        :raises ModuleNotFoundError: the package ``cryptography`` is not installed
        """
        listed = [public_keys] if isinstance(public_keys, str) else list(public_keys)
        if not listed:
            raise ValueError("public_keys is empty: leave it out to take answers unsigned")
        try:
            # By name, so that types and users without signed answers don't need it.
            ed25519: Any = importlib.import_module(
                "cryptography.hazmat.primitives.asymmetric.ed25519"
            )
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "public_keys need the package cryptography to verify answers: "
                'pip install "license-session[signed]"'
            ) from error
        self._keys: Dict[str, Any] = {}
        for text in listed:
            raw = _raw_key(text)
            self._keys[key_id_of(raw)] = ed25519.Ed25519PublicKey.from_public_bytes(raw)

    def problem_with(
        self, answer: Answer, asked: Asked, earliest_created: float
    ) -> Union[str, int]:
        """Why the answer can't be taken for the service's; if it can, when it was created, in
        seconds since 1970.

        :param earliest_created: what the answers before it and the time since then promise
        """
        headers = answer.headers
        if "signature" not in headers or "signature-input" not in headers:
            return "answer_not_signed"
        signatures = signatures_of(headers["signature-input"], headers["signature"])
        if not signatures:
            return "signature_unreadable"
        pinned = [one for one in signatures if one.parameters.get("keyid") in self._keys]
        if not pinned:
            return "signature_key_unknown"
        signed = pinned[0]
        parameters = signed.parameters
        created = parameters.get("created")
        if (
            not set(_COVERED) <= set(signed.covered)
            or parameters.get("alg", "ed25519") != "ed25519"
            or not isinstance(created, int)
        ):
            return "signature_incomplete"
        if parameters.get("nonce") != asked.nonce:
            return "signature_nonce_wrong"
        if digest_of(answer.body) not in _digests(headers.get("content-digest", "")):
            return "content_digest_wrong"
        base = signature_base(signed, lambda name: _value_of(name, answer, asked))
        if base is None:
            return "signature_incomplete"
        try:
            self._keys[str(parameters["keyid"])].verify(signed.signature, base)
        except Exception:  # InvalidSignature, of a module that is imported by name.
            return "signature_wrong"
        if created < earliest_created - _CLOCK_TOLERANCE_SECONDS:
            return "signature_too_old"
        return created


def signatures_of(signature_input: str, signature: str) -> List[Signed]:
    """The signatures of the two headers; none where they can't be read."""
    values: Dict[str, bytes] = {}
    for label, text in _members(_SIGNATURE, signature):
        try:
            values[label] = base64.b64decode(text, validate=True)
        except binascii.Error:
            return []
    return [
        Signed(
            _COMPONENT.findall(covered),
            {
                name: int(number) if number else re.sub(r"\\(.)", r"\1", word)
                for name, number, word in _PARAMETER.findall(parameters)
            },
            text,
            values[label],
        )
        for label, text, covered, parameters in _members(_MEMBER, signature_input)
        if label in values
    ]


def signature_base(
    signed: Signed, value_of: Callable[[str], Optional[str]]
) -> Optional[bytes]:
    """What was signed (RFC 9421, 2.5); ``None`` if a component has no value here."""
    lines: List[str] = []
    for component in signed.covered:
        value = value_of(component)
        if value is None:
            return None
        lines.append(f"{component}: {value}")
    lines.append(f'"@signature-params": {signed.text}')
    return "\n".join(lines).encode()


def digest_of(body: bytes) -> str:
    """The value of ``content-digest``."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def key_id_of(raw: bytes) -> str:
    """The thumbprint of a public key (RFC 7638, RFC 8037)."""
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).rstrip(b"=").decode()


def _raw_key(text: str) -> bytes:
    kind, _, encoded = text.strip().partition(":")
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raw = b""
    if kind != "ed25519" or len(raw) != 32:
        # Not the text itself: it may be a private key, put in the wrong place.
        raise ValueError('A public key is "ed25519:" and 43 characters of base64url')
    return raw


def _value_of(component: str, answer: Answer, asked: Asked) -> Optional[str]:
    values: Mapping[str, str] = {
        '"@status"': str(answer.status),
        '"content-digest"': answer.headers.get("content-digest", ""),
        '"@method";req': "POST",
        '"@path";req': asked.path,
        '"content-digest";req': digest_of(asked.body),
    }
    return values.get(component)


def _digests(header: str) -> List[str]:
    return [digest.strip() for digest in header.split(",")]


def _members(pattern: "re.Pattern[str]", text: str) -> "List[Any]":
    """Every member of a dictionary; none if a part of it is something else."""
    members: List[Any] = []
    rest = text.strip()
    while rest:
        match = pattern.match(rest)
        if not match:
            return []
        members.append(match.groups())
        rest = rest[match.end() :]
    return members
