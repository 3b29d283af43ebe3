"""A sealed inquiry from its draft to its review: who may open, when, and what becomes of failures."""

from __future__ import annotations

import asyncio
import sys
from itertools import combinations
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.json import decode

from accounts.model import Role
from accounts.records import moment
from auction.case import approving, deciding, offices, quoting, reruns, signing, unsealing
from auction.case.publishing import amend
from auction.case.signing import OfferBody
from auction.lot.model import Stage
from auction.sealed import crypt
from auction.sealed.model import Context, Office, Quote, commitment_of
from auction.transcript import files
from auction.transcript.files import Reader
from auction.transcript.verify import NotGenuine, verify
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from tests.auction.notary import NOTARY
from tests.auction.people import an_actor, an_organisation
from tests.auction.sealed.rosters import some_keys
from tests.auction.sealed.walk import (
    DAY,
    SealedCast,
    a_sealed_cast,
    at_the_deadline,
    drafted,
    entered,
    open_for,
    published,
    quote,
)
from tests.auction.transcript.transcripts import a_file
from tests.auction.walk import run_due, stage, within
from tests.support import ROOT

EVENTS = "SELECT body::text AS body FROM lot_event WHERE lot_id = $1 ORDER BY n"
PRICES = (98_765_400, 91_234_500, 95_000_000)


async def quoted(pool: Pool, valkey: Valkey, cast: SealedCast) -> tuple[UUID, UUID]:
    """An inquiry in which every supplier has quoted."""
    auction_id, lot_id = await published(pool, valkey, cast, Clock().now_ms() + DAY)
    await entered(pool, cast, auction_id, lot_id)
    for supplier, price in zip(cast.suppliers, PRICES, strict=False):
        await quote(pool, supplier, lot_id, price)
    return auction_id, lot_id


async def refusal(what: object) -> str:
    with pytest.raises(Problem) as caught:
        await what  # type: ignore[misc]
    return caught.value.code


@pytest.mark.parametrize("pair", list(combinations(Office, 2)))
async def test_any_two_offices_open_and_the_lot_goes_to_review(
    pool: Pool, valkey_client: Valkey, pair: tuple[Office, Office]
) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    assert await stage(pool, lot_id) == Stage.OPENING
    assert await open_for(pool, cast.of(pair[0]), lot_id, now) == Stage.OPENING
    assert await pool.fetchval("SELECT count(*) FROM sealed_opening o JOIN sealed_quote q ON q.id = o.quote_id "
                               "WHERE q.lot_id = $1", lot_id) == 0  # fmt: skip
    assert await open_for(pool, cast.of(pair[1]), lot_id, now) == Stage.CONFORMITY_REVIEW
    ranked = await pool.fetch("SELECT rank, price FROM standing WHERE lot_id = $1 ORDER BY rank", lot_id)
    assert [tuple(one) for one in ranked] == [(1, 91_234_500), (2, 95_000_000), (3, 98_765_400)]
    kinds = await pool.fetch("SELECT kind FROM lot_event WHERE lot_id = $1 ORDER BY n", lot_id)
    assert [one["kind"] for one in kinds] == ["opened", "bid", "bid", "bid", "closed"]
    seen = await unsealing.progress(pool, cast.of(Office.GROUP).actor, lot_id, now)
    assert sorted((one.rank, one.price) for one in seen.quotes) == [(1, 91_234_500), (2, 95_000_000), (3, 98_765_400)]


async def test_the_review_leads_to_the_award_of_the_lowest(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    for office in (Office.AGENCY, Office.GROUP):
        await open_for(pool, cast.of(office), lot_id, now)
    for one in await pool.fetch("SELECT alias FROM standing WHERE lot_id = $1", lot_id):
        await within(pool, deciding.conformity, cast.buyer, lot_id, one["alias"], True, "", now)
    assert await stage(pool, lot_id) == Stage.AWARD_PENDING
    winner = await pool.fetchval(
        "SELECT s.org_id FROM lot l JOIN award w ON w.lot_id = l.id AND w.rank = l.award_rank "
        "JOIN signup s ON s.id = w.signup_id WHERE l.id = $1", lot_id)  # fmt: skip
    assert winner == cast.suppliers[1].org_id


async def test_the_last_quote_before_the_deadline_counts(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    again = await quote(pool, cast.suppliers[0], lot_id, 90_000_000)
    deadline = (await quoting.booth(pool, cast.suppliers[0], lot_id, 0)).deadline_at
    assert (await quoting.booth(pool, cast.suppliers[0], lot_id, 0)).last == again
    assert await refusal(quote(pool, cast.suppliers[0], lot_id, 80_000_000, deadline)) == "sealed_not_open"
    now = await at_the_deadline(pool, valkey_client, lot_id)
    for office in (Office.PURCHASER, Office.AGENCY):
        await open_for(pool, cast.of(office), lot_id, now)
    assert await pool.fetchval("SELECT price FROM standing WHERE lot_id = $1 AND rank = 1", lot_id) == 90_000_000


async def test_the_same_quote_again_gets_its_first_receipt(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, lot_id = await published(pool, valkey_client, cast, Clock().now_ms() + DAY)
    await entered(pool, cast, auction_id, lot_id)
    booth = await quoting.booth(pool, cast.suppliers[0], lot_id, Clock().now_ms())
    context = Context(lot_id, booth.alias, booth.deadline_at, booth.roster_sha256)
    sealed = crypt.seal(context, booth.seats, PRICES[0])
    first = await within(pool, quoting.deposit, cast.suppliers[0], lot_id, sealed, booth.deadline_at - 1)
    again = await within(pool, quoting.deposit, cast.suppliers[0], lot_id, sealed, booth.deadline_at + 5)
    assert first == again
    assert await pool.fetchval("SELECT count(*) FROM sealed_quote WHERE lot_id = $1", lot_id) == 1


async def test_nobody_opens_or_counts_before_the_deadline(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = Clock().now_ms()
    for member in cast.members:
        assert await refusal(unsealing.envelopes(pool, member.actor, lot_id, now)) == "sealed_not_yet"
        assert await refusal(unsealing.progress(pool, member.actor, lot_id, now)) == "sealed_not_yet"
        assert (await unsealing.progress(pool, member.actor, lot_id, now + 2 * DAY)).quotes == []  # not begun yet
        given = (member.actor, NOTARY, lot_id, lot_id, bytes(33), now)
        assert await refusal(within(pool, unsealing.give_share, *given)) == "sealed_not_yet"
    assert await refusal(unsealing.progress(pool, cast.buyer, lot_id, now)) == "sealed_not_yet"
    quote_id = await pool.fetchval("SELECT id FROM sealed_quote WHERE lot_id = $1 LIMIT 1", lot_id)
    with pytest.raises(Exception, match="not being opened"):
        await pool.execute(
            "INSERT INTO sealed_share VALUES ($1, 'agency', $2, $3, now())", quote_id, bytes(33), cast.buyer.user_id
        )


async def test_a_due_that_comes_early_opens_nothing(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = Clock().now_ms()
    await pool.execute("UPDATE lot SET due_at = $2 WHERE id = $1", lot_id, moment(now - 1))
    await run_due(pool, valkey_client, lot_id, now)
    assert await stage(pool, lot_id) == Stage.SIGNUP
    assert await pool.fetchval("SELECT due_at = opens_at FROM lot WHERE id = $1", lot_id)


async def test_only_those_seated_open(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    watch = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="33")
    for other in (cast.head, cast.suppliers[0], watch):
        assert await refusal(unsealing.envelopes(pool, other, lot_id, now)) == "sealed_not_seated"
    for other in (cast.suppliers[0], watch):
        assert await refusal(unsealing.progress(pool, other, lot_id, now)) == "sealed_not_seated"


async def test_a_share_of_another_key_is_not_taken(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    member = cast.of(Office.AGENCY)
    found = await unsealing.envelopes(pool, member.actor, lot_id, now)
    given = (member.actor, NOTARY, lot_id, found.quotes[0].id, b"\x02" + bytes(32), now)
    assert await refusal(within(pool, unsealing.give_share, *given)) == "sealed_share_wrong"


async def test_a_deputy_stands_in_for_a_lost_officer(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool, deputies=True)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    deputies = [member for member in cast.members if member is not cast.of(member.office)]
    assert await open_for(pool, deputies[0], lot_id, now) == Stage.OPENING
    assert await open_for(pool, cast.of(Office.PURCHASER), lot_id, now) == Stage.OPENING  # the same office: one share
    assert await open_for(pool, deputies[2], lot_id, now) == Stage.CONFORMITY_REVIEW


async def test_when_the_offices_fail_the_lot_is_rerun_and_no_rerun_is_used_up(
    pool: Pool, valkey_client: Valkey
) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    await open_for(pool, cast.of(Office.GROUP), lot_id, now)
    late = now + 31 * 60_000
    await run_due(pool, valkey_client, lot_id, late)
    lot = await pool.fetchrow("SELECT stage, why FROM lot WHERE id = $1", lot_id)
    assert tuple(lot) == ("failed", "offices_failed")
    given = (cast.of(Office.AGENCY).actor, NOTARY, lot_id, lot_id, bytes(33), late)
    assert await refusal(within(pool, unsealing.give_share, *given)) == "sealed_over"
    again = await within(pool, reruns.rerun, cast.buyer, lot_id, late + DAY, late)
    assert await pool.fetchval("SELECT round_no FROM lot WHERE auction_id = $1", again) == 1
    assert await pool.fetchval("SELECT count(*) FROM sealing_seat WHERE auction_id = $1", again) == 3


async def test_with_too_few_quotes_nothing_is_opened(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, lot_id = await quoted(pool, valkey_client, cast)
    await within(pool, signing.withdraw, cast.suppliers[2], auction_id, Clock().now_ms())
    now = await at_the_deadline(pool, valkey_client, lot_id)
    assert await stage(pool, lot_id) == Stage.FAILED
    assert await refusal(unsealing.envelopes(pool, cast.of(Office.AGENCY).actor, lot_id, now)) == "sealed_over"
    assert (await unsealing.progress(pool, cast.buyer, lot_id, now)).quotes == []


async def test_a_quote_its_maker_spoilt_is_invalid_and_the_others_go_on(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool, suppliers=4)
    _, lot_id = await quoted(pool, valkey_client, cast)
    booth = await quoting.booth(pool, cast.suppliers[3], lot_id, Clock().now_ms())
    context = Context(lot_id, booth.alias, booth.deadline_at, booth.roster_sha256)
    one, two = (crypt.seal(context, booth.seats, price) for price in (1, 2))
    mixed = type(one)(**{name: getattr(one, name) for name in one.__struct_fields__} | {"body": two.body})
    await within(pool, quoting.deposit, cast.suppliers[3], lot_id, mixed, Clock().now_ms())
    now = await at_the_deadline(pool, valkey_client, lot_id)
    await open_for(pool, cast.of(Office.PURCHASER), lot_id, now)
    assert await open_for(pool, cast.of(Office.AGENCY), lot_id, now) == Stage.CONFORMITY_REVIEW
    assert await pool.fetchval("SELECT count(*) FROM standing WHERE lot_id = $1", lot_id) == 3
    note = await pool.fetchval("SELECT body->'note'->'unreadable' FROM lot_event WHERE lot_id = $1 AND n = 5", lot_id)
    assert booth.alias in str(note)


async def test_the_record_lets_every_price_be_checked_against_its_commitment(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    booth = await quoting.booth(pool, cast.suppliers[0], lot_id, 0)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    for office in (Office.PURCHASER, Office.AGENCY):
        await open_for(pool, cast.of(office), lot_id, now)
    log = [decode(one["body"]) for one in await pool.fetch(EVENTS, lot_id)]
    bids = [one for one in log if one["kind"] == "bid"]
    assert len(bids) == len(PRICES)
    for one in bids:
        proof = one["detail"]
        assert (proof["deadline_at"], proof["roster_sha256"]) == (booth.deadline_at, booth.roster_sha256)
        context = Context(lot_id, one["who"], proof["deadline_at"], proof["roster_sha256"])
        assert commitment_of(context, Quote(one["price"], proof["salt"])) == proof["commitment"]


async def test_the_opened_lot_has_a_signed_transcript_and_each_supplier_his_receipt(
    pool: Pool, valkey_client: Valkey, tmp_path: Path
) -> None:
    cast = await a_sealed_cast(pool)
    _, lot_id = await quoted(pool, valkey_client, cast)
    now = await at_the_deadline(pool, valkey_client, lot_id)
    await open_for(pool, cast.of(Office.GROUP), lot_id, now)
    await NOTARY.publish_keys(pool)
    assert await files.transcript(pool, lot_id, Reader("supervisor")) is None  # nothing of it before it is whole
    await open_for(pool, cast.of(Office.PURCHASER), lot_id, now)
    alias = (await quoting.booth(pool, cast.suppliers[1], lot_id, 0)).alias
    text, receipt = await a_file(pool, lot_id), await files.receipts(pool, lot_id, alias)
    assert receipt is not None
    found = verify(text, receipt=receipt)
    assert (found.bids, found.receipts, found.closed_terms) == (len(PRICES), 1, 0)
    paths = tmp_path / "lot.jsonl", tmp_path / "receipt.json"
    for path, content in zip(paths, (text, receipt), strict=True):
        path.write_bytes(content)
    independent = ROOT / "tests" / "independent_verifier.py"
    command = [sys.executable, str(independent), str(paths[0]), "--receipt", str(paths[1])]
    assert (await (await asyncio.create_subprocess_exec(*command)).wait()) == 0
    with pytest.raises(NotGenuine):
        verify(text.replace(b'\\"price\\":91234500', b'\\"price\\":91234400'))


async def test_an_amended_deadline_asks_for_a_new_quote(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, lot_id = await published(pool, valkey_client, cast, Clock().now_ms() + DAY)
    await entered(pool, cast, auction_id, lot_id)
    booth = await quoting.booth(pool, cast.suppliers[0], lot_id, Clock().now_ms())
    old = crypt.seal(Context(lot_id, booth.alias, booth.deadline_at, booth.roster_sha256), booth.seats, 5)
    await within(pool, amend, cast.buyer, auction_id, booth.deadline_at + DAY, "改期", Clock().now_ms())
    given = (cast.suppliers[0], lot_id, old, Clock().now_ms())
    assert await refusal(within(pool, quoting.deposit, *given)) == "sealed_deadline_changed"


async def test_a_price_in_the_open_is_refused(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, lot_id = await published(pool, valkey_client, cast, Clock().now_ms() + DAY)
    await entered(pool, cast, auction_id, lot_id)
    body = OfferBody("品牌", "型号", opening_price=500)
    given = (cast.suppliers[0], lot_id, body, Clock().now_ms())
    assert await refusal(within(pool, signing.put_offer, *given)) == "sealed_price_in_the_open"


async def test_a_case_is_submitted_only_when_every_office_has_its_keys(pool: Pool) -> None:
    cast = await a_sealed_cast(pool)
    now = Clock().now_ms()
    auction_id, _ = await drafted(pool, cast, now + DAY)
    expert = await an_actor(pool, await an_organisation(pool, "expert"), Role.EXPERT)
    await within(pool, offices.seat, cast.buyer, auction_id, Office.GROUP, expert.login, True, now)
    assert await refusal(within(pool, approving.submit, cast.buyer, auction_id, now)) == "sealed_offices_incomplete"
    await within(pool, offices.add_key, expert, some_keys().public)
    await within(pool, offices.unseat, cast.buyer, auction_id, cast.of(Office.AGENCY).actor.user_id, now)
    assert await refusal(within(pool, approving.submit, cast.buyer, auction_id, now)) == "sealed_offices_incomplete"
    agent = cast.of(Office.AGENCY).actor.login
    await within(pool, offices.seat, cast.buyer, auction_id, Office.AGENCY, agent, False, now)
    await within(pool, approving.submit, cast.buyer, auction_id, now)


async def test_each_office_is_its_own_and_supervisors_have_none(pool: Pool) -> None:
    cast = await a_sealed_cast(pool)
    now = Clock().now_ms()
    auction_id, _ = await drafted(pool, cast, now + DAY)
    watch = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="33")
    wrong = (
        (Office.GROUP, cast.head), (Office.GROUP, cast.of(Office.AGENCY).actor), (Office.PURCHASER, cast.suppliers[0]),
        (Office.AGENCY, cast.of(Office.GROUP).actor), (Office.GROUP, watch), (Office.GROUP, cast.suppliers[0]),
    )  # fmt: skip
    for office, person in wrong:
        given = (auction_id, office, person.login, False, now)
        assert await refusal(within(pool, offices.seat, cast.buyer, *given)) == "sealed_not_eligible", office
    assert await refusal(within(pool, offices.add_key, watch, some_keys().public)) == "sealed_not_eligible"
    assert await refusal(within(pool, offices.add_key, cast.head, b"\x04" + bytes(64))) == "sealing_key_wrong"


async def test_the_notice_names_the_fingerprints(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, _ = await published(pool, valkey_client, cast, Clock().now_ms() + DAY)
    body = await pool.fetchval("SELECT body FROM publication WHERE auction_id = $1 AND kind = 'notice'", auction_id)
    told = {(one["office"], one["fingerprint"]) for one in body["offices"]}
    assert told == {(member.office.value, member.keys.fingerprint) for member in cast.members}
