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
-- Our book of a day, and what it has of these keys under other days.
SELECT seq, type, biz_key, fen, outcome, day FROM fiscal_message
WHERE peer = $1 AND (day = $2 OR biz_key = ANY($3::text[])) AND type NOT LIKE 'statement%' ORDER BY seq;

-- name: booked_elsewhere
-- Which of these keys the last statements of the other days, a month around, have.
WITH last AS (
    SELECT DISTINCT ON (m.day) m.body FROM fiscal_message m
    WHERE m.peer = $1 AND m.type = $2 AND m.outcome = 'taken' AND m.day <> $3::date
      AND m.day BETWEEN $3::date - 31 AND $3::date + 31
    ORDER BY m.day, m.seq DESC
)
SELECT line->>'type' AS type, line->>'biz_key' AS biz_key
FROM last, jsonb_array_elements(last.body->'data'->'lines') AS line WHERE line->>'biz_key' = ANY($4::text[]);

-- name: open_statements
-- The last statements of the days with differences nobody settled; of day $2 or with key $3 alone, unless $2 is null.
SELECT m.body FROM fiscal_day d CROSS JOIN LATERAL (
    SELECT body FROM fiscal_message m WHERE m.peer = d.peer AND m.day = d.day AND m.type = d.type AND m.outcome = 'taken'
    ORDER BY m.seq DESC LIMIT 1) AS m
WHERE d.peer = $1 AND d.differences > 0 AND d.settled_at IS NULL
  AND ($2::date IS NULL OR d.day = $2 OR m.body->'data'->'lines' @> jsonb_build_array(jsonb_build_object('biz_key', $3::text)))
ORDER BY d.day DESC LIMIT 31;

-- name: put_day
-- What a comparison found. Settled stays settled while the number of differences is the same.
INSERT INTO fiscal_day (peer, day, type, differences, found_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (peer, day, type) DO UPDATE SET differences = $4, silent = false, found_at = $5,
    settled_by = CASE WHEN fiscal_day.differences = $4 THEN fiscal_day.settled_by END,
    settled_at = CASE WHEN fiscal_day.differences = $4 THEN fiscal_day.settled_at END,
    remark = CASE WHEN fiscal_day.differences = $4 THEN fiscal_day.remark ELSE '' END;

-- name: note_silent
-- Days before $1 with messages in our book and no statement.
INSERT INTO fiscal_day (peer, day, type, differences, silent, found_at)
SELECT b.peer, b.day, b.type, count(*), true, $2 FROM (
    SELECT peer, day, 'statement' AS type FROM fiscal_message
    WHERE type NOT LIKE 'statement%' AND day BETWEEN $1::date - 31 AND $1::date - 1
    UNION ALL SELECT peer, day, 'statement.heard' FROM fiscal_out
    WHERE seq IS NOT NULL AND day BETWEEN $1::date - 31 AND $1::date - 1
) AS b
WHERE NOT EXISTS (SELECT FROM fiscal_message m WHERE m.peer = b.peer AND m.day = b.day AND m.type = b.type AND m.outcome = 'taken')
GROUP BY b.peer, b.day, b.type ON CONFLICT DO NOTHING RETURNING peer;

-- name: settle
UPDATE fiscal_day SET settled_by = $4, settled_at = $5, remark = $6
WHERE peer = $1 AND day = $2 AND type = $3 AND differences > 0 AND settled_at IS NULL RETURNING differences;

-- name: peer_of
SELECT name, region, NULL::uuid AS org_id FROM fiscal_peer WHERE name = $1;

-- name: days
-- The days compared, of the peers of these places: the last statement of each, none where a day stayed without.
SELECT k.peer, k.day, k.type, d.differences, d.settled_at, d.remark, m.body, m.received_at, p.name AS settled_name FROM (
    SELECT peer, day, type FROM fiscal_message WHERE type LIKE 'statement%' AND outcome = 'taken'
    UNION SELECT peer, day, type FROM fiscal_day
) AS k
JOIN fiscal_peer f ON f.name = k.peer LEFT JOIN fiscal_day d USING (peer, day, type)
LEFT JOIN LATERAL (SELECT body, received_at FROM fiscal_message m WHERE m.peer = k.peer AND m.day = k.day
    AND m.type = k.type AND m.outcome = 'taken' ORDER BY m.seq DESC LIMIT 1) AS m ON true
LEFT JOIN person p ON p.id = d.settled_by
WHERE EXISTS (SELECT 1 FROM unnest($1::text[]) AS place WHERE starts_with(f.region, place))
ORDER BY k.day DESC, k.peer, k.type LIMIT $2;

-- name: peers
SELECT p.name, p.region, p.seq, max(m.received_at) AS heard_at FROM fiscal_peer p
LEFT JOIN fiscal_message m ON m.peer = p.name AND m.seq = p.seq
WHERE EXISTS (SELECT 1 FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place))
GROUP BY p.name, p.region, p.seq ORDER BY p.name;
