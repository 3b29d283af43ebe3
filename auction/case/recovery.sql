-- Queries about records in doubt (migration 0801).

-- name: add_contradiction
INSERT INTO lot_contradiction (lot_id, found_at, why) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id;

-- name: contradiction_put_back
-- The most that was found to differ; null as long as it is not whole.
UPDATE lot_contradiction SET fault = $3,
       put_back = CASE WHEN $2::integer IS NULL THEN NULL ELSE greatest(put_back, $2::integer) END
WHERE lot_id = $1 AND released_at IS NULL;

-- name: contradiction_of
SELECT * FROM lot_contradiction WHERE lot_id = $1 AND released_at IS NULL FOR UPDATE;

-- name: ask_release
UPDATE lot_contradiction SET asked_by = $2, asked_at = $3, reason = $4 WHERE lot_id = $1 AND released_at IS NULL;

-- name: release_contradiction
UPDATE lot_contradiction SET released_by = $2, released_at = $3 WHERE lot_id = $1 AND released_at IS NULL;

-- name: contradictions
-- The open ones; of an organisation ($1), or of all for an operator (null).
SELECT c.*, l.title, l.no, l.org_id, a.number, o.name AS org_name, p.name AS asker
FROM lot_contradiction c JOIN lot l ON l.id = c.lot_id JOIN auction a ON a.id = l.auction_id
JOIN organisation o ON o.id = l.org_id LEFT JOIN person p ON p.id = c.asked_by
WHERE c.released_at IS NULL AND ($1::uuid IS NULL OR l.org_id = $1) ORDER BY c.found_at LIMIT 500;

-- name: signed_lines
SELECT line FROM transcript_entry WHERE lot_id = $1 ORDER BY n;

-- name: signed_sizes
SELECT lot_id, max(size) AS size FROM transcript_checkpoint WHERE lot_id = ANY ($1) GROUP BY lot_id;
