-- name: link_of
-- The system nearest to a place that is to be told.
SELECT l.peer FROM fiscal_link l JOIN fiscal_peer p ON p.name = l.peer WHERE starts_with($1, p.region)
ORDER BY length(p.region) DESC, l.peer LIMIT 1;

-- name: put_link
INSERT INTO fiscal_link (peer, url) SELECT name, $2 FROM fiscal_peer WHERE name = $1
ON CONFLICT (peer) DO UPDATE SET url = excluded.url, tries = 0, next_at = '-infinity' RETURNING peer;

-- name: add
INSERT INTO fiscal_out (peer, type, biz_key, ver, fen, day, data, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (peer, type, biz_key, ver) DO NOTHING;

-- name: links_due
SELECT l.peer FROM fiscal_link l WHERE l.next_at <= $1
  AND (l.acked < l.seq OR EXISTS (SELECT FROM fiscal_out o WHERE o.peer = l.peer AND o.seq IS NULL));

-- name: link_locked
-- Whoever holds it is the one who sends. Writers of messages do not wait for him.
SELECT * FROM fiscal_link WHERE peer = $1 AND next_at <= $2 FOR NO KEY UPDATE SKIP LOCKED;

-- name: unnumbered
SELECT * FROM fiscal_out WHERE peer = $1 AND seq IS NULL ORDER BY id LIMIT $2;

-- name: number
UPDATE fiscal_out SET seq = $2, body = $3 WHERE id = $1;

-- name: numbered
UPDATE fiscal_link SET seq = $2 WHERE peer = $1;

-- name: to_send
SELECT seq, body FROM fiscal_out WHERE peer = $1 AND seq > $2 ORDER BY seq LIMIT $3;

-- name: answered
UPDATE fiscal_out SET outcome = $3, acked_at = $4 WHERE peer = $1 AND seq = $2;

-- name: heard
UPDATE fiscal_link SET acked = $2, tries = 0, fault = '', heard_at = $3, next_at = '-infinity' WHERE peer = $1;

-- name: back_to
UPDATE fiscal_link SET acked = $2, fault = $3, heard_at = $4 WHERE peer = $1;

-- name: unheard
UPDATE fiscal_link SET tries = tries + 1, fault = $2, next_at = $3 WHERE peer = $1;

-- name: lines_of
-- Our book of a day: all that was given a number; and what it has of these keys under other days.
SELECT seq, type, biz_key || '#' || ver AS biz_key, fen, outcome, day FROM fiscal_out
WHERE peer = $1 AND (day = $2 OR biz_key || '#' || ver = ANY($3::text[])) AND seq IS NOT NULL ORDER BY seq;

-- name: links
SELECT l.*, (SELECT count(*) FROM fiscal_out o WHERE o.peer = l.peer AND o.outcome IS NULL) AS waiting
FROM fiscal_link l JOIN fiscal_peer p ON p.name = l.peer
WHERE EXISTS (SELECT 1 FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place)) ORDER BY l.peer;
