"""The demonstration's organisations and accounts. All share one password, which the start prints."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from accounts import passwords, records
from accounts.admin import giving
from accounts.admin.model import GIVABLE
from accounts.model import WIDE, Grant, Role
from accounts.rules import reach_of
from plumbing.postgres import Connection
from registries.agencies import records as agencies
from registries.agencies.model import Status as AgencyStatus
from registries.suppliers import records as suppliers
from registries.suppliers.model import SizeClass, Status, SupplierFacts

PASSWORD = "yangcai-demo"  # noqa: S105 - printed at every start of the demo, refused in production
HANGZHOU, PROVINCE = "330100", "330000"


class Person(NamedTuple):
    """One account of the demo."""

    login: str
    name: str
    role: str
    org: str
    kind: str
    region: str
    uscc: str | None = None


BUYER_ORG = "杭州市某局（演示）"
SUPPLIERS = (
    Person("supplier1", "周晓", "supplier", "杭州云视科技有限公司（演示）", "supplier", HANGZHOU, "91330100MA0000001R"),
    Person("supplier2", "吴敏", "supplier", "宁波声远电子有限公司（演示）", "supplier", "330200", "91330200MA0000002T"),
    Person("supplier3", "郑凯", "supplier", "绍兴智联设备有限公司（演示）", "supplier", "330600", "91330600MA00000035"),
    Person("supplier4", "冯倩", "supplier", "温州博影商贸有限公司（演示）", "supplier", "330300", "91330300MA0000004P"),
    Person("supplier5", "陈立", "supplier", "嘉兴南湖办公有限公司（演示）", "supplier", "330400", "91330400MA0000005F"),
    Person("supplier6", "褚楠", "supplier", "湖州明达信息有限公司（演示）", "supplier", "330500", "91330500MA0000006A"),
)
OFFICIALS = (
    Person("buyer", "李经办", "buyer", BUYER_ORG, "buyer", HANGZHOU),
    Person("finance", "俞会计", "buyer", BUYER_ORG, "buyer", HANGZHOU),
    Person("head", "王局长", "head", BUYER_ORG, "buyer", HANGZHOU),
    Person("agency", "孙代理", "agency", "浙江某采购代理有限公司（演示）", "agency", HANGZHOU),
    Person("expert", "沈专家", "expert", "评审专家库（演示）", "expert", HANGZHOU),
    Person("supervisor", "赵监管", "supervisor", "浙江省财政厅（演示）", "supervisor", PROVINCE),
    Person("offices", "马机关", "supervisor", "浙江省机关事务管理局（演示）", "supervisor", PROVINCE),
    Person("admin", "何管理", "admin", "杭州市财政局（演示）", "supervisor", HANGZHOU),
    Person("security", "施安全", "security", "浙江省财政厅（演示）", "supervisor", PROVINCE),
    Person("auditor", "孔审计", "auditor", "浙江省财政厅（演示）", "supervisor", PROVINCE),
    Person("operator", "钱运维", "operator", "平台运维（演示）", "operator", PROVINCE),
)
SHOWN = {
    "buyer": "采购经办人 purchaser's handler",
    "finance": "采购单位财务 unit's finance",
    "head": "采购单位负责人 head of the unit",
    "agency": "代理机构 agency",
    "expert": "评审专家 expert (inquiry group 询价小组)",
    "supervisor": "财政监管 supervisor",
    "offices": "机关事务 quotas of official vehicles (whoever sets one does not approve the purchase)",
    "admin": "杭州市管理员 the city's administrator",
    "security": "安全管理员 security administrator",
    "auditor": "审计管理员 audit administrator",
    "supplier1": "供应商 supplier (signed up, bids by hand; supplier2 - supplier6 are simulated)",
    "operator": "平台运维 platform operator",
}


def lines() -> list[str]:
    """One line for each account that the start prints."""
    rows = [f"  {login:<11} {what}" for login, what in SHOWN.items()]
    return [f"Demo accounts 演示账号 (password 密码: {PASSWORD})", *rows]


def _registered(person: Person, org_id: UUID) -> SupplierFacts:
    """The supplier as registered: active, for all goods; the first and the third are small firms."""
    small = person.login in ("supplier1", "supplier3")
    return SupplierFacts(
        org_id=org_id,
        name=person.org,
        uscc=person.uscc or "",
        region=person.region,
        status=Status.ACTIVE,
        size_class=SizeClass.SMALL if small else SizeClass.MEDIUM,
        categories=("A",),
    )


async def seed(conn: Connection) -> None:
    """Write organisations, people and their roles once; again it changes nothing."""
    if await conn.fetchval("SELECT true FROM person WHERE login = 'buyer'"):
        return
    secret = await passwords.hash_password(PASSWORD)
    orgs: dict[str, UUID] = {}
    for person in (*OFFICIALS, *SUPPLIERS):
        if person.org not in orgs:
            orgs[person.org] = await records.add_organisation(
                conn, name=person.org, kind=person.kind, region=person.region, uscc=person.uscc
            )
        org_id = orgs[person.org]
        person_id = await records.add_person(
            conn, org_id=org_id, login=person.login, name=person.name, password_hash=secret
        )
        role = Role(person.role)
        everywhere = role in WIDE or role is Role.ADMIN
        reach = reach_of(person.region) if everywhere else ""
        await records.add_grant(conn, person_id, Grant(role, reach, None if everywhere else org_id))
        for one in GIVABLE if role in (Role.SECURITY, Role.ADMIN) else ():
            await giving.found(conn, person_id, one, reach)
        if role is Role.AGENCY:
            await agencies.put(conn, org_id, person.region, AgencyStatus.ACTIVE)
        if role is Role.SUPPLIER:
            await suppliers.put(conn, _registered(person, org_id))


def offered() -> tuple[dict[str, str], ...]:
    """The accounts as the login page lists them: who, login, password."""
    names = {person.login: f"{person.name} · {person.org}" for person in (*OFFICIALS, *SUPPLIERS)}
    return tuple(
        {"login": login, "password": PASSWORD, "name": names[login], "about": what} for login, what in SHOWN.items()
    )
