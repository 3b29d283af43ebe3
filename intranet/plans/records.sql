-- name: next_number
SELECT nextval('plan_number');

-- name: add_plan
INSERT INTO plan (number, region, org_id, title, category, method, project, amount_fen, small_share_bp, small_reason,
    approval_no, watches, filed_by, filed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id;

-- name: file_again
UPDATE plan SET title = $2, category = $3, method = $4, project = $5, amount_fen = $6, small_share_bp = $7,
    small_reason = $8, approval_no = $9, watches = $10, filed_by = $11, filed_at = $12, state = 'filed',
    decided_by = NULL, decided_at = NULL
WHERE id = $1;

-- name: drop_sources
DELETE FROM plan_source WHERE plan_id = $1;

-- name: add_source
INSERT INTO plan_source (plan_id, no, indicator_id, amount_fen) VALUES ($1, $2, $3, $4);

-- name: decide
UPDATE plan SET state = $2, decided_by = $3, decided_at = $4, remark = $5 WHERE id = $1;

-- name: withdraw
UPDATE plan SET state = 'withdrawn', decided_by = NULL, decided_at = NULL WHERE id = $1;

-- name: plan_locked
SELECT p.*, o.name AS org_name FROM plan p JOIN organisation o ON o.id = p.org_id WHERE p.id = $1 FOR UPDATE OF p;

-- name: plan
SELECT p.*, o.name AS org_name, f.name AS filed_by_name, d.name AS decided_by_name
FROM plan p JOIN organisation o ON o.id = p.org_id JOIN person f ON f.id = p.filed_by
LEFT JOIN person d ON d.id = p.decided_by WHERE p.id = $1;

-- name: plan_named
SELECT * FROM plan WHERE number = $1 AND org_id = $2;

-- name: plan_by_number
SELECT * FROM plan WHERE number = $1 AND org_id = $2 FOR UPDATE;

-- name: sources_of
-- A plan's sources, and what of each is used.
SELECT i.id AS indicator_id, i.number, i.project, i.fund_source, i.year, i.available_fen, s.amount_fen,
       (SELECT coalesce(sum(hs.held_fen), 0)::bigint FROM plan_use u JOIN budget_hold h USING (request_id)
        JOIN budget_hold_source hs USING (request_id)
        WHERE u.plan_id = s.plan_id AND h.state IN ('held', 'confirmed')
          AND hs.indicator_id = i.id) AS used_fen
FROM plan_source s JOIN indicator i ON i.id = s.indicator_id
WHERE s.plan_id = $1 ORDER BY s.no;

-- name: free_of
-- What each indicator has that no filed or approved plan promised yet, plan $2 aside; of unit $3 only, and open.
SELECT i.id, i.available_fen - coalesce((
           SELECT sum(greatest(0, s.amount_fen - coalesce((
               SELECT sum(hs.held_fen) FROM plan_use u JOIN budget_hold h USING (request_id)
               JOIN budget_hold_source hs USING (request_id)
               WHERE u.plan_id = s.plan_id AND h.state IN ('held', 'confirmed')
                 AND hs.indicator_id = i.id), 0)))
           FROM plan_source s JOIN plan p ON p.id = s.plan_id
           WHERE s.indicator_id = i.id AND p.state IN ('filed', 'approved')
             AND p.id IS DISTINCT FROM $2), 0)::bigint AS free_fen
FROM indicator i WHERE i.id = ANY ($1::uuid[]) AND i.org_id = $3 AND i.closed_at IS NULL;

-- name: year_sum
SELECT coalesce(sum(amount_fen), 0)::bigint FROM plan
WHERE org_id = $1 AND category = $2 AND project = $3 AND method <> 'open_tender' AND state IN ('filed', 'approved')
  AND filed_at >= $4 AND filed_at < $5 AND id IS DISTINCT FROM $6;

-- name: hand_sources_on
UPDATE plan_source SET indicator_id = $2 WHERE indicator_id = $1;

-- name: add_use
INSERT INTO plan_use (request_id, plan_id, case_id, used_at) VALUES ($1, $2, $3, $4);

-- name: now_ms
SELECT (extract(epoch FROM now()) * 1000)::bigint;

-- name: uses_of
SELECT u.request_id, u.case_id, u.used_at, h.state, h.asked, sum(s.held_fen)::bigint AS fen
FROM plan_use u JOIN budget_hold h USING (request_id) JOIN budget_hold_source s USING (request_id)
WHERE u.plan_id = $1 GROUP BY u.request_id, u.case_id, u.used_at, h.state, h.asked
ORDER BY u.used_at, u.request_id;

-- name: found
-- Plans a reader may see: of his unit ($1), or of the places he watches ($2).
SELECT p.*, o.name AS org_name, count(*) OVER () AS total
FROM plan p JOIN organisation o ON o.id = p.org_id
WHERE (p.org_id = $1 OR EXISTS (SELECT 1 FROM unnest($2::text[]) AS place WHERE starts_with(p.region, place)))
  AND ($3 = '' OR p.number ILIKE '%' || $3 || '%' OR p.title ILIKE '%' || $3 || '%' OR o.name ILIKE '%' || $3 || '%')
  AND ($4 = '' OR p.state = $4)
ORDER BY p.filed_at DESC, p.id DESC LIMIT $5 OFFSET $6;

-- name: to_choose
-- The open indicators of a unit, for the form: those it has already ($2), then the newest. One further back is reached from
-- its own page.
SELECT id, number, project, fund_source, year, available_fen FROM indicator
WHERE org_id = $1 AND closed_at IS NULL ORDER BY id = ANY($2::uuid[]) DESC, year DESC, number LIMIT 200;

-- name: contracted
-- What a contract's money is spent on.
UPDATE plan_use u SET contract_no = $2, payee = $3 FROM plan p WHERE u.request_id = $1 AND p.id = u.plan_id
RETURNING p.region, p.number AS plan_number;
