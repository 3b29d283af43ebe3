"""Requests to addresses that others gave us: only to public ones, looked up once, never redirected, small and short.

A name may point anywhere, and elsewhere a moment later. So it is looked up here, every address it has must be public,
and the connection goes to the very address that was looked at; TLS still proves the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 4_096
PORTS_FROM = 1_024
_UNPUBLIC = tuple(ipaddress.ip_network(text) for text in ("2002::/16", "2001::/32", "64:ff9b:1::/48", "fec0::/10"))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """Nothing is sent there; the text is a short word for the log: scheme, port, address, unknown."""


class Answer(Struct, frozen=True):
    """What came back: the status and the beginning of the body."""

    status: int
    text: str


def networks(text: str) -> tuple[Network, ...]:
    """Networks as a setting names them, with commas. Raises ``ValueError`` for what is none."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet, also behind the ways IPv6 wraps an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if any(address in network for network in _UNPUBLIC):
            return False
    return address.is_global and not address.is_multicast


def check_form(url: str, allowed: tuple[Network, ...] = ()) -> tuple[str, int]:
    """The host and port of ``url``. Raises ``Refused`` for what is no plain https address (http: where ``allowed``)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Refused("address") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allowed):
        raise Refused("scheme")
    if not host or parts.username is not None or parts.fragment or any(ord(c) <= 32 or ord(c) > 126 for c in url):
        raise Refused("address")
    if port not in (80, 443) and port < PORTS_FROM:
        raise Refused("port")
    return host, port


async def reachable(url: str, allowed: tuple[Network, ...] = ()) -> tuple[str, int, Address]:
    """Host, port and the address to connect to. Raises ``Refused`` unless every address of the name may be used."""
    host, port = check_form(url, allowed)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused("unknown") from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    within = [any(address in network for network in allowed) for address in addresses]
    if not addresses or not all(ok or is_public(address) for ok, address in zip(within, addresses, strict=True)):
        raise Refused("address")
    if not url.startswith("https:") and not all(within):
        raise Refused("scheme")
    return host, port, addresses[0]


async def post(url: str, body: bytes, headers: Mapping[str, str], allowed: tuple[Network, ...] = ()) -> Answer:
    """Send ``body``; the answer's status and beginning. Raises ``Refused``, ``OSError`` when nobody answers in time."""
    import httpx

    host, port, address = await reachable(url, allowed)
    parts = urlsplit(url)
    at = f"[{address}]" if address.version == 6 else str(address)
    there = parts._replace(netloc=f"{at}:{port}").geturl()
    name = host if port in (80, 443) else f"{host}:{port}"
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT_S) as client,
            client.stream(
                "POST", there, content=body, headers={**headers, "Host": name}, extensions={"sni_hostname": host}
            ) as answer,
        ):
            text = b""
            async for piece in answer.aiter_raw():
                text += piece
                if len(text) >= ANSWER_BYTES_MAX:
                    break
            return Answer(answer.status_code, text[:ANSWER_BYTES_MAX].decode("utf-8", "replace").replace("\0", ""))
    except (httpx.HTTPError, TimeoutError) as error:
        raise OSError(type(error).__name__) from error
