"""seal.js against RFC 9180's own vector and against auction.sealed: each opens what the other sealed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auction.sealed import crypt, model
from auction.sealed.model import SealedQuote
from tests.auction.sealed.rosters import a_context, a_roster
from tests.browser.pages import a_browser
from tests.support import ROOT

pytestmark = pytest.mark.browser
HERE = "http://localhost"
PRICE = 73_194_628
# RFC 9180, A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode, sequence number 0.
VECTOR = {
    "info": "4f6465206f6e2061204772656369616e2055726e",
    "sk_e": "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
    "sk_r": "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
    "pk_r": "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f8"
    "0e30f1d128aafd68a2ce72ea0",
    "enc": "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403c"
    "e65c9bfcb9382657222d18c4",
    "shared": "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8",
    "key": "868c066ef58aae6dc589b6cfdd18f97e",
    "nonce": "4e0bc5018beba4bf004cca59",
    "aad": "436f756e742d30",
    "plain": "4265617574792069732074727574682c20747275746820626561757479",
    "sealed": "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434",
}


def pkcs8(scalar: str) -> str:
    private = ec.derive_private_key(int(scalar, 16), ec.SECP256R1())
    return encoded(private)


def encoded(private: ec.EllipticCurvePrivateKey) -> str:
    return base64.b64encode(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


@pytest_asyncio.fixture
async def page(chromium: str) -> AsyncIterator[Any]:
    async with a_browser(chromium) as browser:
        page = await browser.new_page()
        module = (ROOT / "server" / "static" / "js" / "seal.js").read_text(encoding="utf-8")

        async def serve(route: Any) -> None:
            kind = "text/javascript" if route.request.url.endswith(".js") else "text/html"
            await route.fulfill(body=module if kind == "text/javascript" else "<!doctype html>", content_type=kind)

        await page.route(HERE + "/**", serve)
        await page.goto(HERE + "/")
        yield page


async def run(page: Any, body: str, **given: Any) -> Any:
    """Run ``body`` with the module as ``s`` and ``given`` as ``g``."""
    return await page.evaluate(f"async (g) => {{ const s = await import('{HERE}/seal.js'); {body} }}", given)


async def test_the_browser_gives_the_answers_of_the_rfc(page: Any) -> None:
    given = {**VECTOR, "e": pkcs8(VECTOR["sk_e"]), "r": pkcs8(VECTOR["sk_r"])}
    found = await run(
        page,
        """
        const raw = s.unhex(g.pk_r), info = s.unhex(g.info), aad = s.unhex(g.aad);
        const made = await s.schedule(s.unhex(g.shared), info);
        const ephemeral = {publicKey: s.unhex(g.enc), pkcs8: s.unbase64(g.e)};
        const sealed = await s.hpkeSeal(raw, info, aad, s.unhex(g.plain), ephemeral);
        const opened = await s.hpkeOpen(await s.importPrivate(s.unbase64(g.r)), raw, info, aad, sealed);
        return {key: s.hex(made.key), nonce: s.hex(made.nonce), sealed: s.hex(sealed), opened: s.hex(opened)};
        """,
        **given,
    )
    assert (found["key"], found["nonce"]) == (VECTOR["key"], VECTOR["nonce"])
    assert found["sealed"] == VECTOR["enc"] + VECTOR["sealed"]
    assert found["opened"] == VECTOR["plain"]


async def test_the_library_opens_what_the_browser_seals_and_the_other_way_round(page: Any) -> None:
    roster = a_roster()
    context = a_context(roster)
    told = {"lot": str(context.lot_id), "alias": context.alias, "deadline": context.deadline_at}
    told["roster"] = context.roster_sha256
    seats = [
        {
            "office": seat.office.value,
            "fingerprint": seat.fingerprint,
            "key": base64.b64encode(seat.public_key).decode(),
        }
        for seat in roster
    ]
    made = await run(
        page,
        """
        const {quote, salt} = await s.sealQuote(g.context, g.seats, g.price);
        return {quote, salt, digest: await s.quoteDigest(quote)};
        """,
        context=told,
        seats=seats,
        price=PRICE,
    )
    quote = msgspec.convert(made["quote"], SealedQuote)
    assert model.digest_of(quote) == made["digest"]
    shares = []
    for seat, envelope in zip(model.in_order(roster), quote.envelopes, strict=True):
        share = crypt.open_share(context, seat.office, envelope, roster[seat].private)
        assert share is not None
        assert model.share_sha256(context, share) == quote.shares[len(shares)]
        shares.append(share)
    opened = crypt.open_quote(context, quote, shares[0], shares[2])
    assert opened is not None
    assert (opened.price, opened.salt) == (PRICE, made["salt"])

    other = crypt.seal(context, roster, PRICE)
    seat = model.in_order(roster)[1]
    body = """
        const keys = {privateKey: await s.importPrivate(s.unbase64(g.private)), publicKey: s.unbase64(g.public)};
        const share = await s.openShare(g.context, g.office, keys, g.envelope, g.digest);
        return share && s.hex(share);
        """
    given = {
        "context": told, "office": seat.office.value, "private": encoded(roster[seat].private),
        "public": base64.b64encode(seat.public_key).decode(), "envelope": msgspec.to_builtins(other.envelopes[1]),
        "digest": other.shares[1],
    }  # fmt: skip
    right = crypt.open_share(context, seat.office, other.envelopes[1], roster[seat].private)
    assert right is not None
    assert await run(page, body, **given) == right.hex()
    assert await run(page, body, **given | {"digest": other.shares[0]}) is None
    assert await run(page, body, **given | {"context": told | {"alias": "A8"}}) is None


async def test_a_key_is_kept_under_a_passphrase_only(page: Any) -> None:
    found = await run(
        page,
        """
        const pair = await s.makeKeys(), stranger = await s.makeKeys();
        const file = await s.wrapKeys(pair, "correct horse battery");
        const keys = await s.unwrapKeys(file, "correct horse battery");
        const text = JSON.stringify(file);
        return {
          opens: Boolean(keys), wrong: await s.unwrapKeys(file, "correct horse batterz"),
          other: await s.unwrapKeys({...file, public: s.base64(stranger.publicKey)}, "correct horse battery"),
          plain: text.includes(s.base64(pair.pkcs8)), exportable: keys.privateKey.extractable,
        };
        """,
    )
    assert found == {"opens": True, "wrong": None, "other": None, "plain": False, "exportable": False}
