-- name: over
-- The doubts of $1 that are not among $2 are over.
UPDATE supplier_doubt SET over_at = $3 WHERE org_id = $1 AND over_at IS NULL AND doubt <> ALL ($2::text[]);

-- name: new
-- Doubts that are new; $4 has just looked at them with the filing.
INSERT INTO supplier_doubt (org_id, doubt, found_at, seen_at, seen_by, remark)
SELECT $1, d, $3::timestamptz, CASE WHEN $4::uuid IS NOT NULL THEN $3::timestamptz END, $4, CASE WHEN $4::uuid IS NOT NULL THEN '审核时已核实' ELSE '' END
FROM unnest($2::text[]) AS d
ON CONFLICT (org_id, doubt) WHERE over_at IS NULL DO UPDATE
SET seen_at = coalesce(supplier_doubt.seen_at, excluded.seen_at), seen_by = coalesce(supplier_doubt.seen_by, excluded.seen_by),
    remark = CASE WHEN supplier_doubt.seen_at IS NULL THEN excluded.remark ELSE supplier_doubt.remark END;

-- name: doubt
SELECT d.*, s.region FROM supplier_doubt d JOIN supplier s ON s.org_id = d.org_id WHERE d.id = $1 FOR UPDATE OF d;

-- name: seen
UPDATE supplier_doubt SET seen_at = $2, seen_by = $3, remark = $4 WHERE id = $1;

-- name: doubts_of
SELECT d.*, p.name AS seer FROM supplier_doubt d LEFT JOIN person p ON p.id = d.seen_by
WHERE d.org_id = $1 AND d.over_at IS NULL ORDER BY d.seen_at IS NOT NULL, d.found_at DESC, d.id DESC;

-- name: number_elsewhere
-- Whether another supplier's newest filing names one of these certificates too.
SELECT EXISTS (
    SELECT FROM (SELECT DISTINCT ON (f.org_id) f.org_id, f.content FROM supplier_filing f
                 WHERE f.stage <> 'rejected' ORDER BY f.org_id, f.no DESC) n,
         jsonb_array_elements(n.content->'certificates') c
    WHERE n.org_id <> $1 AND (c->>'kind') || ' ' || (c->>'number') = ANY ($2::text[]));
