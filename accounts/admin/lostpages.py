"""重置第二因素: for somebody who lost phone, passkeys and recovery codes, by the security administrator.

Another gives out new passwords (``pages.invite_again``): it takes two administrators to come in as somebody else.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin import giving, organising
from accounts.admin.model import Refusal
from accounts.audit import audit
from accounts.factors.records import drop_all
from accounts.records import SQL
from accounts.web import stepped_up
from plumbing.web import collect, page, see_other


@page("POST", "/admin/people/{person_id:uuid}/factors", act=Act.FACTOR_RESET, name="reset_factors")
async def reset_factors(request: Request) -> Response:
    """Take every second factor from somebody, and end his sessions. Nobody does so for himself."""
    actor, state, person_id = await stepped_up(request), request.state, request.path_params["person_id"]
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await organising.managed_person(conn, actor, person_id, state.clock.now_ms(), Act.FACTOR_RESET)
        if person_id == actor.user_id:
            raise giving.refuse(Refusal.SELF)
        await drop_all(conn, person_id)
        await conn.execute(SQL["end_other_sessions"], person_id, None)
        await audit(conn, actor, "account.factors_reset", f"login:{row['login']}")
    return see_other(f"/admin/people/{person_id}", "note.factors_reset")


ROUTES = collect(globals())
