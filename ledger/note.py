"""Signed notes and checkpoints 签名存证点 as C2SP signed-note and tlog-checkpoint have them, with Ed25519.

A note is a text of whole lines, an empty line, and signature lines ``— <name> <base64>``. The bytes in base64 are four
of the key's id and 64 of signature. Whoever has the verifier key ``<name>+<id>+<base64>`` needs no program of ours.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from binascii import b2a_base64
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

ED25519 = b"\x01"
DASH = "— "


class BadNote(Exception):
    """The text is no signed note, or nobody known signed it; the sentence says which."""


class VerifierKey(Struct, frozen=True):
    """A public key 公钥 under a name (C2SP: vkey). ``public`` is 32 bytes."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of the hash over name and key."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(ED25519 + self.public).decode()}"


def read_key(text: str) -> VerifierKey:
    """The verifier key that ``text`` writes. Raises ``BadNote``."""
    name, _, rest = text.strip().partition("+")
    given_id, _, coded = rest.partition("+")
    key_bytes = unpacked(coded)
    if not name or len(key_bytes) != 33 or key_bytes[:1] != ED25519:
        raise BadNote(f"not an Ed25519 verifier key: {text[:80]}")
    key = VerifierKey(name, key_bytes[1:])
    if key.id.hex() != given_id or str(key) != text.strip():
        raise BadNote(f"the id of the verifier key is wrong: {text[:80]}")
    return key


def unpacked(coded: str) -> bytes:
    """Bytes from base64 written in its one proper form; empty for anything else."""
    try:
        plain = b64decode(coded, validate=True)
    except (NotBase64, ValueError):
        return b""
    return plain if b64encode(plain).decode() == coded else b""


def packed(plain: bytes) -> str:
    """Bytes as base64."""
    return b2a_base64(plain, newline=False).decode()


class Signer:
    """One private key 私钥; signs under any name."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, text: str, name: str) -> str:
        """The note of ``text`` (whole lines), signed under ``name``."""
        assert text.endswith("\n")
        signature = VerifierKey(name, self.public).id + self._key.sign(text.encode())
        return f"{text}\n{DASH}{name} {packed(signature)}\n"


def opened(note: str, *known: VerifierKey) -> str:
    """The text of a note that carries a good signature of a known key and no bad one of a known key.

    Raises ``BadNote``. Signatures of unknown keys are passed over.
    """
    text, gap, lines = note.rpartition("\n\n")
    text += "\n"
    if not gap or not lines.endswith("\n"):
        raise BadNote("not a signed note")
    good = False
    for line in lines[:-1].split("\n"):
        name, space, coded = line.removeprefix(DASH).rpartition(" ")
        signature = unpacked(coded)
        if not line.startswith(DASH) or not space or len(signature) < 5:
            raise BadNote("not a signature line")
        for key in known:
            if key.name == name and key.id == signature[:4]:
                try:
                    Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())
                except (InvalidSignature, ValueError):
                    raise BadNote("the signature is false") from None
                good = True
    if not good:
        raise BadNote("no known key signed this")
    return text


class Checkpoint(Struct, frozen=True):
    """The head of a tree 存证点: whose (``origin``), how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{packed(self.root)}\n"


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that the text of a note states. Raises ``BadNote``."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not lines[1].isascii() or not lines[1].isdigit():
        raise BadNote("not a checkpoint")
    checkpoint = Checkpoint(lines[0], int(lines[1]), unpacked(lines[2]))
    if len(checkpoint.root) != 32 or checkpoint.text() != text:
        raise BadNote("not a checkpoint")
    return checkpoint
