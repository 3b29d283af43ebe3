"""The verdicts of accounts: pure, raise nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from uuid import UUID

import msgspec

from accounts.acts import ACTS_OF
from accounts.model import WIDE, Actor, Grant, Role

ATTEMPTS_PER_LOGIN = 5
ATTEMPTS_PER_ADDRESS = 50
ATTEMPTS_WINDOW_S = 15 * 60
SESSION_MS = 12 * 3_600_000
SESSION_IDLE_S = 4 * 3_600
SESSION_TOUCH_MS = 5 * 60_000
CONFINED_TO = (
    "/lots/", "/api/lots/", "/ws", "/api/tickets", "/api/me", "/api/session", "/login", "/logout", "/lang/",
)  # fmt: skip
PASSWORD_LENGTH_MIN = 8
PASSWORD_CHARACTERS_MIN = 5
PASSWORD_REST_MIN = 6
LOGIN_IN_PASSWORD_MIN = 4
PASSWORD_LENGTH_MAX = 200


FIRST_TRIED = (
    "qwertyuiop", "procurement", "government", "iloveyou", "password", "12345678", "87654321", "abcdefgh", "gongying",
    "zhejiang", "hangzhou", "supplier", "yangcai", "letmein", "welcome", "5201314", "zhengfu", "jingjia", "auction",
    "passwd", "qwerty", "asdfgh", "zxcvbn", "1q2w3e", "woaini", "abc123", "123456", "654321", "caigou", "admin", "root",
    "阳采",
)  # fmt: skip
"""Words of this trade and those that guessers try first, long ones first. A password is more than these."""


class Gap(StrEnum):
    """Why a grant does not reach an object, the first that applies."""

    NOT_YET = "not_yet"
    ENDED = "ended"
    REGION = "region"
    ORG = "org"
    OBJECT = "object"


def gap_of(grant: Grant, *, region: str, org_id: UUID | None, object_id: UUID | None, now_ms: int) -> Gap | None:
    """Why ``grant`` does not reach an object of ``org_id`` in ``region`` now; None when it does.

    A time span ends before its last instant.
    """
    if now_ms < grant.valid_from_ms:
        return Gap.NOT_YET
    if grant.valid_until_ms is not None and now_ms >= grant.valid_until_ms:
        return Gap.ENDED
    if not region.startswith(grant.region):
        return Gap.REGION
    if grant.org_id is not None and grant.org_id != org_id:
        return Gap.ORG
    return None if grant.object_id is None or grant.object_id == object_id else Gap.OBJECT


def covers(grant: Grant, *, region: str, org_id: UUID | None, object_id: UUID | None, now_ms: int) -> bool:
    """Whether ``grant`` reaches an object of ``org_id`` in ``region`` now."""
    return gap_of(grant, region=region, org_id=org_id, object_id=object_id, now_ms=now_ms) is None


def acts_of(grant: Grant) -> frozenset[str]:
    """What a grant lets do: all its role has, or fewer where an administrator made it narrower; never more."""
    whole = ACTS_OF[grant.role]
    return whole if grant.acts is None else whole & grant.acts


@lru_cache(maxsize=8_192)
def compiled(grants: tuple[Grant, ...]) -> Mapping[str, tuple[Grant, ...]]:
    """The grants by act: made once for each set of grants, so that a decision is a look into a table."""
    table: dict[str, list[Grant]] = {}
    for grant in grants:
        for act in acts_of(grant):
            table.setdefault(act, []).append(grant)
    return {act: tuple(held) for act, held in table.items()}


def bearing(actor: Actor, *acts: str) -> Actor:
    """The actor with those grants alone that bear one of ``acts``: so he comes through a door that asks for it."""
    held = tuple(grant for grant in actor.grants if not acts_of(grant).isdisjoint(acts))
    return msgspec.structs.replace(actor, grants=held, roles=frozenset(grant.role for grant in held))


def may_act(
    actor: Actor | None,
    act: str,
    *,
    region: str,
    org_id: UUID | None = None,
    object_id: UUID | None = None,
    now_ms: int,
) -> bool:
    """Whether the actor may do ``act`` to this object. Nobody (None) may nothing."""
    return actor is not None and any(
        covers(grant, region=region, org_id=org_id, object_id=object_id, now_ms=now_ms)
        for grant in compiled(actor.grants).get(act, ())
    )


def may(
    actor: Actor | None,
    roles: Iterable[str],
    *,
    region: str,
    org_id: UUID | None = None,
    object_id: UUID | None = None,
    now_ms: int,
) -> bool:
    """Whether the actor holds one of ``roles`` for this object. Nobody (None) may nothing."""
    wanted = frozenset(roles)
    return actor is not None and any(
        grant.role in wanted and covers(grant, region=region, org_id=org_id, object_id=object_id, now_ms=now_ms)
        for grant in actor.grants
    )


DEMANDED_OF: dict[str, frozenset[Role]] = {
    "none": frozenset(),
    "staff": WIDE | {Role.ADMIN},
    "officials": WIDE | {Role.ADMIN} | {Role.BUYER, Role.HEAD, Role.AGENCY, Role.EXPERT},
    "all": frozenset(Role),
}
"""Of which roles a second factor is demanded, by the word of the parameter ``signin.second_factor``."""


def second_factor_demanded(roles: Iterable[str], word: str, production: bool) -> bool:
    """Whether one who holds ``roles`` must have a second factor. ``by_mode``: the staff in production, else nobody."""
    if word == "by_mode":
        word = "staff" if production else "none"
    return not DEMANDED_OF[word].isdisjoint(roles)


def reach_of(region: str) -> str:
    """The prefix that covers a region and all within it: "330000" gives "33", "330100" "3301", "330110" itself."""
    while region.endswith("00"):
        region = region[:-2]
    return region


def session_lives(*, seen_at_ms: int, expires_at_ms: int, idle_s: int, now_ms: int) -> bool:
    """A session ends at its last instant, or when it has not been used for its idle time."""
    return now_ms < expires_at_ms and now_ms - seen_at_ms < idle_s * 1_000


def stays_open_to_the_confined(path: str) -> bool:
    """Whether a person whose bar waits for the end of his competition keeps this door: lots, himself, the way out."""
    return path.startswith(CONFINED_TO)


@cache
def commonest_passwords() -> frozenset[str]:
    """The 30,000 commonest of the passwords that became known by breaches; read when first asked."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def password_is_fit(password: str, login: str) -> bool:
    """A password is long enough, not endless, of five different characters, and no word that everybody tries first.

    Letters, figures and signs are not prescribed; a phrase is the best.
    """
    plain = "".join(password.lower().split())
    long_enough = PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX
    if not long_enough or len(set(plain)) < PASSWORD_CHARACTERS_MIN or plain == login.lower():
        return False
    if not {plain, plain.strip("0123456789!@#.")}.isdisjoint(commonest_passwords()):
        return False
    bare = plain.replace(login.lower(), "") if len(login) >= LOGIN_IN_PASSWORD_MIN else plain
    for word in FIRST_TRIED:
        bare = bare.replace(word, "")
    return len(bare) >= PASSWORD_REST_MIN
