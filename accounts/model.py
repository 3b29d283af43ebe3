"""The nouns of accounts: roles 岗位, grants 授权, and the actor 操作人 behind a request."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec


class Role(StrEnum):
    """What somebody does here. Platform staff (operator) run the platform, never an auction."""

    SUPPLIER = "supplier"  # 供应商
    BUYER = "buyer"  # 采购经办人
    HEAD = "head"  # 单位负责人
    AGENCY = "agency"  # 代理机构
    SUPERVISOR = "supervisor"  # 监管人员
    OPERATOR = "operator"  # 平台运维
    EXPERT = "expert"  # 评审专家
    AUDITOR = "auditor"  # 审计管理员
    ADMIN = "admin"  # 区划或单位的管理员
    SECURITY = "security"  # 安全管理员


ROLES_OF_KIND: dict[str, tuple[Role, ...]] = {
    "buyer": (Role.BUYER, Role.HEAD, Role.ADMIN),
    "supplier": (Role.SUPPLIER, Role.ADMIN),
    "agency": (Role.AGENCY, Role.ADMIN),
    "supervisor": (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN, Role.SECURITY),
    "operator": (Role.OPERATOR, Role.SECURITY),
    "expert": (Role.EXPERT,),
}
"""The roles people of an organisation of such a kind may have; the first is the usual one."""
WIDE = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR, Role.SECURITY})
"""Roles that reach every organisation of a place; others are held for one organisation, administrators for either."""


class Grant(msgspec.Struct, frozen=True):
    """One role 授权: in every place whose code begins with ``region`` ("" everywhere, "33" a province, "3301" a city),
    for one organisation or any (None), for one object or any (None), from and until (None: open), epoch ms.
    ``acts``: those of the role alone (None: all it has), where an administrator made it narrower.
    """

    role: Role
    region: str = ""
    org_id: UUID | None = None
    object_id: UUID | None = None
    valid_from_ms: int = 0
    valid_until_ms: int | None = None
    acts: frozenset[str] | None = None


class Actor(msgspec.Struct, frozen=True):
    """Who is acting 操作人: the person, his organisation and its region, the roles he holds now, his session."""

    user_id: UUID
    login: str
    name: str
    org_id: UUID
    org_name: str
    region: str
    roles: frozenset[Role]
    session: UUID
    grants: tuple[Grant, ...] = ()
    expires_at_ms: int = 0
    confined: bool = False
    """Barred by the audit 审计停用, but in a competition: nothing but the doors of lots, until that is over."""

    proved_at_ms: int = 0
    """When he last proved in this session that it is he: a second factor, or his password if he has none; 0: not."""

    key: UUID | None = None
    """The API key 接口密钥 by which a program acts for him; ``session`` is the same then."""

    def has(self, *roles: str) -> bool:
        """Whether he holds any of ``roles``, somewhere. Whether it covers an object is ``rules.may``."""
        return any(role in self.roles for role in roles)
