-- name: peer_locked
SELECT * FROM fiscal_peer WHERE name = $1 FOR UPDATE;

-- name: put_peer
INSERT INTO fiscal_peer (name, region, public_key) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET public_key = excluded.public_key WHERE fiscal_peer.region = excluded.region
RETURNING name;

-- name: message
SELECT * FROM fiscal_message WHERE peer = $1 AND seq = $2;

-- name: taken_before
SELECT true FROM fiscal_message WHERE peer = $1 AND type = $2 AND biz_key = $3 AND outcome = 'taken';

-- name: add_message
INSERT INTO fiscal_message (peer, seq, type, biz_key, fen, day, indicator_id, body, sha256, outcome, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: advance
UPDATE fiscal_peer SET seq = $2 WHERE name = $1;

-- name: unit_of
SELECT id, region FROM organisation WHERE uscc = $1 AND kind = 'buyer' AND starts_with(region, $2);

-- name: indicator_granted
-- The indicator granted under a key, or who took over from it at its year's end.
WITH RECURSIVE line AS (
    SELECT indicator_id AS id, 0 AS n FROM fiscal_message
    WHERE peer = $1 AND type = 'indicator.granted' AND biz_key = $2 AND outcome = 'taken'
    UNION ALL SELECT i.id, line.n + 1 FROM indicator i JOIN line ON i.carried_from = line.id
) SELECT id FROM line ORDER BY n DESC LIMIT 1;

-- name: lines_of
SELECT seq, type, biz_key, fen, outcome FROM fiscal_message
WHERE peer = $1 AND day = $2 AND type NOT LIKE 'statement%' ORDER BY seq;

-- name: statements
-- The last statement of each day and direction, of the peers of these places.
SELECT DISTINCT ON (m.day, m.peer, m.type) m.peer, m.day, m.type, m.body, m.received_at
FROM fiscal_message m JOIN fiscal_peer p ON p.name = m.peer
WHERE m.type LIKE 'statement%' AND m.outcome = 'taken'
  AND EXISTS (SELECT 1 FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place))
ORDER BY m.day DESC, m.peer, m.type, m.seq DESC LIMIT $2;

-- name: peers
SELECT p.name, p.region, p.seq, max(m.received_at) AS heard_at FROM fiscal_peer p
LEFT JOIN fiscal_message m ON m.peer = p.name AND m.seq = p.seq
WHERE EXISTS (SELECT 1 FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place))
GROUP BY p.name, p.region, p.seq ORDER BY p.name;
