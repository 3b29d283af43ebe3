-- Queries of the audit trail. Its rows are only ever added (migration 0601).

-- name: sign_ins
-- Attempts to sign in under a login, the newest first.
SELECT at, result, address, coalesce(detail->>'how', '') AS how FROM audit_event
WHERE object = 'login:' || $1 AND event IN ('account.login', 'account.factor') ORDER BY at DESC LIMIT $2;

-- name: add_event
INSERT INTO audit_event (person_id, login, org_id, region, event, object, result, detail, request_id, address, door)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: waiting
SELECT EXISTS (SELECT FROM audit_pending);

-- name: lock_chain
SELECT pg_try_advisory_xact_lock(hashtextextended('audit chain', 0));

-- name: pending
-- The acts without a position, oldest first. An act that was taken away since is not there.
SELECT e.* FROM audit_pending p JOIN audit_event e ON e.id = p.event_id ORDER BY e.id LIMIT $1;

-- name: no_longer_pending
DELETE FROM audit_pending WHERE event_id = ANY ($1);

-- name: head
SELECT size, root, peaks, note, signed_at FROM audit_checkpoint ORDER BY size DESC LIMIT 1;

-- name: heads
SELECT size, root, note FROM audit_checkpoint ORDER BY size;

-- name: add_head
INSERT INTO audit_checkpoint (size, root, peaks, note) VALUES ($1, $2, $3, $4);

-- name: tell_watchman
SELECT pg_notify('audit', $1);

-- name: chain_after
-- Entries behind position $1 with the acts they are of; an act that is gone has no id.
SELECT c.n, c.event_id, c.hash, e.* FROM audit_entry c LEFT JOIN audit_event e ON e.id = c.event_id
WHERE c.n > $1 ORDER BY c.n LIMIT $2;

-- name: unchained
-- Acts older than a minute that neither stand in the chain nor wait for it: somebody emptied the queue.
SELECT e.id FROM audit_event e
WHERE e.at < clock_timestamp() - interval '1 minute' AND NOT EXISTS (SELECT FROM audit_entry c WHERE c.event_id = e.id)
  AND NOT EXISTS (SELECT FROM audit_pending p WHERE p.event_id = e.id)
ORDER BY e.id LIMIT 100;

-- name: witness
-- What the watchman said last.
SELECT size, state, at FROM audit_witness ORDER BY id DESC LIMIT 1;

-- name: public_keys
SELECT public FROM transcript_key ORDER BY made_at, public;

-- name: found
-- Acts within reach ($1 region prefixes, $2 also those of no region) that fit the search; NULL: not asked for. What
-- suppliers do at a case that is not closed is not found; what others do there is, and marked: its details are not shown.
-- What experts answer to a draw is not found before its result.
SELECT e.*, o.name AS org_name, p.name AS person_name, c.n, c.hash, audit_case_is_open(e.object) AS case_open
FROM audit_event e
LEFT JOIN organisation o ON o.id = e.org_id
LEFT JOIN person p ON p.id = e.person_id
LEFT JOIN audit_entry c ON c.event_id = e.id
WHERE (EXISTS (SELECT FROM unnest($1::text[]) AS prefix WHERE e.region <> '' AND starts_with(e.region, prefix))
       OR ($2 AND e.region = ''))
  AND ($3::text IS NULL OR e.login = $3 OR p.name = $3)
  AND ($4::text IS NULL OR strpos(o.name, $4) > 0)
  AND ($5::text IS NULL OR starts_with(e.event, $5))
  AND ($6::text IS NULL OR e.object = $6 OR e.object LIKE '%:' || $6)
  AND ($7::text IS NULL OR e.result = $7)
  AND ($8::text IS NULL OR e.address = $8)
  AND e.at >= $9 AND e.at < $10
  AND NOT (coalesce(o.kind, '') = 'supplier' AND audit_case_is_open(e.object))
  AND NOT (coalesce(o.kind, '') = 'expert' AND audit_draw_is_secret(e.object))
