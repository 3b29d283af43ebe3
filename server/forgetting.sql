-- Queries of the sweep of settled lots (migration 0501).

-- name: take_leftover
-- The oldest settled before $1 that no other process is at.
SELECT lot_id FROM leftover WHERE settled_at < $1 AND (again_at IS NULL OR again_at < $2)
ORDER BY settled_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: put_off_leftover
UPDATE leftover SET again_at = $2 WHERE lot_id = $1;

-- name: drop_leftover
DELETE FROM leftover WHERE lot_id = $1;

-- name: copy_head
-- What the copy must come to.
SELECT r.final_n, r.log_sha256, c.root FROM result r
LEFT JOIN transcript_checkpoint c ON c.lot_id = r.lot_id AND c.size = r.final_n WHERE r.lot_id = $1;

-- name: copy_between
SELECT e.body::text AS body, t.line, t.leaf, t.hash FROM lot_event e
LEFT JOIN transcript_entry t ON t.lot_id = e.lot_id AND t.n = e.n
WHERE e.lot_id = $1 AND e.n > $2 AND e.n <= $3 ORDER BY e.n;
