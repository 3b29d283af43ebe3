"""Sends a webhook: signed, to a public address, and what the receiver said."""

from __future__ import annotations

from typing import Any

from accounts.factors import vault
from accounts.outgoing.sending import NotSent
from accounts.records import moment
from accounts.webhooks.endpoints import SQL
from accounts.webhooks.rules import GONE, signature
from plumbing import outbound
from plumbing.clock import Clock
from plumbing.postgres import Pool, Record


class Webhooks:
    """The channel of webhooks."""

    def __init__(self, pool: Pool, clock: Clock, settings: Any) -> None:
        self._pool, self._clock, self._settings = pool, clock, settings
        self._allowed = outbound.networks(settings.webhook_networks)

    async def __call__(self, row: Record) -> str:
        """Send one; taken is what is answered with 2xx. 410 and an address that may not be used are final."""
        endpoint = await self._pool.fetchrow(SQL["endpoint_to_send"], row["endpoint_id"])
        if endpoint is None or endpoint["ended_at"] is not None:
            raise NotSent("ended", final=True)
        secrets = [vault.unseal(self._settings, endpoint["id"], sealed) for sealed in self._sealed(endpoint)]
        known = [secret for secret in secrets if secret is not None]
        if not known:
            raise NotSent("the secret cannot be read", final=True)
        message_id, sent_s, body = f"msg_{row['id']}", self._clock.now_ms() // 1_000, row["body"].encode()
        headers = {
            "Content-Type": "application/json", "User-Agent": "yangcai-webhooks/1", "webhook-id": message_id,
            "webhook-timestamp": str(sent_s), "webhook-signature": signature(known, message_id, sent_s, body),
        }  # fmt: skip
        try:
            answer = await outbound.post(endpoint["url"], body, headers, self._allowed)
        except outbound.Refused as why:
            raise NotSent(f"refused: {why}", final=str(why) != "unknown") from None
        said = f"{answer.status} {answer.text[:200]}".strip()
        if not 200 <= answer.status < 300:
            raise NotSent(said, final=answer.status == GONE)
        return said

    def _sealed(self, endpoint: Record) -> list[bytes]:
        until = endpoint["before_until"]
        before = until is not None and moment(self._clock.now_ms()) < until
        return [endpoint["secret"], *([endpoint["secret_before"]] if before else [])]
