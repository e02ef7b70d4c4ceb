"""Answers that only the service can have given: HTTP Message Signatures (RFC 9421) over digests
(RFC 9530), with Ed25519.

Nothing is parsed but the label and the time: the one form in which the service signs is built anew,
and looked for. Signatures of others beside it do not matter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import json
import re
from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple, Union

from .runtime import Answer

__all__ = ["Asked", "Verdict", "Verifier", "digest_of", "key_id_of"]

#: What the service signs: with less, a signature could be used for another status or request.
_COVERED = '("@status" "content-digest" "@method";req "@path";req "content-digest";req)'


class Asked(NamedTuple):
    """The request that an answer must belong to."""

    path: str
    body: bytes
    nonce: str


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
                f"public_keys is a {type(listed).__name__}: expected a key, or a list of them, each "
                "as ed25519:..."
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
        inputs, signatures = headers.get("signature-input"), headers.get("signature")
        if not inputs or not signatures:
            return Verdict("answer_unsigned")
        key_id = next((known for known in self._keys if f';keyid="{known}"' in inputs), None)
        if key_id is None:
            return Verdict("answer_of_another_key")
        quoted = re.sub(r'(["\\])', r"\\\1", asked.nonce)
        nonce = f';nonce="{quoted}"'
        if nonce not in inputs:
            return Verdict("answer_nonce_wrong")
        digest = digest_of(answer.body)
        if headers.get("content-digest") != digest:
            return Verdict("answer_digest_wrong")

        before, after = f"{_COVERED};created=", f';keyid="{key_id}"{nonce};alg="ed25519"'
        signed = f"({re.escape(before)}([0-9]{{1,12}}){re.escape(after)})"
        label, text, created = _member(f"(sig[0-9]+)={signed}", inputs) or ("", "", "")
        (encoded,) = _member(f"{label}=:([A-Za-z0-9+/]{{86}}==):", signatures) or ("",)
        if not text or not encoded:
            return Verdict("answer_signature_unreadable")
        lines = [
            f'"@status": {answer.status}',
            f'"content-digest": {digest}',
            '"@method";req: POST',
            f'"@path";req: {asked.path}',
            f'"content-digest";req: {digest_of(asked.body)}',
            f'"@signature-params": {text}',
        ]
        try:
            self._keys[key_id].verify(base64.b64decode(encoded), "\n".join(lines).encode())
        except Exception:  # InvalidSignature, which can't be named without importing the module.
            return Verdict("answer_signature_wrong")
        earliest, latest = created_between
        is_in_time = earliest <= int(created) <= latest
        return Verdict(None if is_in_time else "answer_time_wrong", int(created))


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


def _member(pattern: str, field: str) -> Optional[Tuple[str, ...]]:
    """Finds a member of a list: proxies may have added their own, and joined lines of a header."""
    found = re.search(rf"(?:^|,)[ \t]*{pattern}[ \t]*(?=,[ \t]*[a-z*]|\Z)", field)
    return found.groups() if found else None
