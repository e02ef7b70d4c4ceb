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
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from .runtime import Answer

__all__ = ["Asked", "Signed", "Verdict", "Verifier", "key_id_of", "signature_base", "signatures_of"]

#: What a signature must cover to prove that the answer is unaltered, complete and to this request.
_COVERED = (
    '"@status"',
    '"content-digest"',
    '"@method";req',
    '"@path";req',
    '"content-digest";req',
)

#: ``label=("covered" ...);parameter=value``
_KEY = r"[a-z*][a-z0-9_.*-]*"
_STRING = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
#: Accepts more than the service sends, because a proxy may have added its own signature.
_VALUE = (
    _STRING
    + r"|-?[0-9]{1,15}(?:\.[0-9]{1,3})?|\?[01]|:[A-Za-z0-9+/=]*:|[A-Za-z*][\w!#$%&'*+.^`|~:/-]*"
)
_PARAMETERS = f"(?:;{_KEY}(?:=(?:{_VALUE}))?)*"
_ITEM = f"{_STRING}{_PARAMETERS}"
_MEMBER = re.compile(
    rf"({_KEY})=(\(((?:{_ITEM}(?: {_ITEM})*)?)\)({_PARAMETERS}))(?:[ \t]*,[ \t]*|$)", re.ASCII
)
_PARAMETER = re.compile(f";({_KEY})(?:=({_VALUE}))?", re.ASCII)
_COMPONENT = re.compile(_ITEM, re.ASCII)
_SIGNATURE = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):(?:[ \t]*,[ \t]*|$)")


class Asked(NamedTuple):
    """The request that an answer must belong to."""

    path: str
    body: bytes
    nonce: str


class Signed(NamedTuple):
    """One of the signatures of a message."""

    covered: List[str]
    parameters: Mapping[str, Union[int, str]]
    #: The covered components and the parameters as received.
    text: str
    #: ``None`` if there is none under its label.
    signature: Optional[bytes]


class Verdict(NamedTuple):
    """The result of verifying an answer."""

    #: ``None`` if the answer is the service's.
    problem: Optional[str]
    #: In seconds since 1970 by the service's clock; set if a pinned key has signed the answer.
    created: Optional[int] = None


class Verifier:
    """The keys that a bot has pinned."""

    def __init__(self, public_keys: Union[str, Sequence[str]]) -> None:
        """
        :param public_keys: ``ed25519:`` and 32 bytes in base64url, each; two during a rotation
        :raises ValueError: a key is invalid, or there is none
        :raises ModuleNotFoundError: the package ``cryptography`` is not installed
        """
        listed = [public_keys] if isinstance(public_keys, str) else public_keys
        if not isinstance(listed, (list, tuple)):
            raise TypeError(
                f"public_keys is a {type(listed).__name__}: expected a key, or a list of them, each as "
                "ed25519:..."
            )
        if not listed:
            raise ValueError("public_keys is empty: leave it out to take answers unsigned")
        try:
            # Imported by name, so that only signed answers need it.
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

    def verdict_on(
        self, answer: Answer, asked: Asked, created_between: Tuple[float, float]
    ) -> Verdict:
        """Whether a pinned key has signed this answer for this request; if not, the first problem.

        :param created_between: the range of times, by the service's clock, at which the answer can
            have been made, in seconds since 1970; inclusive
        """
        headers = answer.headers
        if "signature" not in headers or "signature-input" not in headers:
            return Verdict("answer_unsigned")
        signatures = signatures_of(headers["signature-input"], headers["signature"])
        if signatures is None:
            return Verdict("answer_signature_unreadable")
        pinned = [one for one in signatures if one.parameters.get("keyid") in self._keys]
        if not pinned:
            return Verdict("answer_of_another_key")
        signed = pinned[0]
        if signed.signature is None:
            return Verdict("answer_signature_unreadable")
        parameters = signed.parameters
        created = parameters.get("created")
        if parameters.get("nonce") != asked.nonce:
            return Verdict("answer_nonce_wrong")
        if headers.get("content-digest") != digest_of(answer.body):
            return Verdict("answer_digest_wrong")
        base = signature_base(signed, lambda name: _value_of(name, answer, asked))
        if (
            base is None
            or not set(_COVERED) <= set(signed.covered)
            or parameters.get("alg") != "ed25519"
            or not isinstance(created, int)
        ):
            return Verdict("answer_signature_incomplete")
        try:
            self._keys[str(parameters["keyid"])].verify(signed.signature, base)
        except Exception:  # InvalidSignature, which can't be named without importing the module.
            return Verdict("answer_signature_wrong")
        earliest, latest = created_between
        return Verdict(None if earliest <= created <= latest else "answer_time_wrong", created)


def signatures_of(signature_input: str, signature: str) -> Optional[List[Signed]]:
    """The signatures of the two headers; ``None`` if they can't be read."""
    inputs = _members(_MEMBER, signature_input)
    encoded = _members(_SIGNATURE, signature)
    if inputs is None or encoded is None:
        return None
    try:
        values = {label: base64.b64decode(text, validate=True) for label, text in encoded}
    except binascii.Error:
        return None
    return [
        Signed(_COMPONENT.findall(covered), _parameters(parameters), text, values.get(label))
        for label, text, covered, parameters in inputs
    ]


def signature_base(signed: Signed, value_of: Callable[[str], Optional[str]]) -> Optional[bytes]:
    """The signature base (RFC 9421, 2.5); ``None`` if a component has no value here."""
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
        # Does not quote the text, which may be a private key by mistake.
        raise ValueError('public_keys must hold "ed25519:" and 43 characters of base64url each')
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


def _parameters(text: str) -> Dict[str, Union[int, str]]:
    """Those that are strings or whole numbers."""
    read: Dict[str, Union[int, str]] = {}
    for name, value in _PARAMETER.findall(text):
        if value.startswith('"'):
            read[name] = re.sub(r"\\(.)", r"\1", value[1:-1])
        elif value.isdigit():
            read[name] = int(value)
    return read


def _members(pattern: "re.Pattern[str]", text: str) -> "Optional[List[Any]]":
    """All members of a dictionary; ``None`` if a part of it can't be parsed."""
    members: List[Any] = []
    labels: Set[str] = set()
    rest = text.strip(" \t")
    while rest:
        match = pattern.match(rest)
        if not match or match[1] in labels:
            return None
        labels.add(match[1])
        members.append(match.groups())
        rest = rest[match.end() :]
    return members
