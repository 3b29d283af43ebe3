-- name: endpoints_of
SELECT e.id, e.url, e.kinds, e.made_at, e.before_until, p.name AS made_by_name,
       (SELECT count(*) FROM outgoing o WHERE o.endpoint_id = e.id AND o.state = 'waiting') AS waiting,
       (SELECT count(*) FROM outgoing o WHERE o.endpoint_id = e.id AND o.state = 'dead') AS dead,
       (SELECT max(o.done_at) FROM outgoing o WHERE o.endpoint_id = e.id AND o.state = 'done') AS last_at
FROM webhook_endpoint e JOIN person p ON p.id = e.made_by WHERE e.org_id = $1 AND e.ended_at IS NULL ORDER BY e.made_at;

-- name: one_at_a_time
SELECT id FROM organisation WHERE id = $1 FOR UPDATE;

-- name: how_many
SELECT count(*) FROM webhook_endpoint WHERE org_id = $1 AND ended_at IS NULL;

-- name: add_endpoint
INSERT INTO webhook_endpoint (id, org_id, url, kinds, secret, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: endpoint
SELECT * FROM webhook_endpoint WHERE id = $1 AND org_id = $2 AND ended_at IS NULL;

-- name: endpoint_to_send
SELECT id, url, secret, secret_before, before_until, ended_at FROM webhook_endpoint WHERE id = $1;

-- name: rotate
UPDATE webhook_endpoint SET secret_before = secret, before_until = $3, secret = $2 WHERE id = $1;

-- name: end_endpoint
WITH dropped AS (UPDATE outgoing SET state = 'dead', done_at = $2, said = 'ended'
                 WHERE endpoint_id = $1 AND state = 'waiting')
UPDATE webhook_endpoint SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL;

-- name: tell_one
INSERT INTO outgoing (channel, endpoint_id, kind, body) VALUES ('webhook', $1, $2, $3);

-- name: sendings_of
SELECT o.*, e.url, count(*) OVER () AS total FROM outgoing o JOIN webhook_endpoint e ON e.id = o.endpoint_id
WHERE e.org_id = $1 AND ($2 = '' OR o.state = $2) AND ($3 = '' OR o.kind ILIKE '%' || $3 || '%' OR e.url ILIKE '%' || $3 || '%')
ORDER BY o.id DESC LIMIT $4 OFFSET $5;

-- name: replay
UPDATE outgoing o SET state = 'waiting', attempts = 0, next_at = $3, done_at = NULL FROM webhook_endpoint e
WHERE o.id = $1 AND e.id = o.endpoint_id AND e.org_id = $2 AND e.ended_at IS NULL AND o.state <> 'waiting' RETURNING o.kind;
