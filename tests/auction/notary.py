"""The notary of the tests: a key that everyone knows."""

from __future__ import annotations

from auction.transcript.notary import Notary
from ledger.note import Signer

SIGNER = Signer(bytes(range(32)))
NOTARY = Notary([SIGNER], "yangcai.test")
