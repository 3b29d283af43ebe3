-- name: approved
SELECT code, name, format FROM element_request WHERE stage = 'approved' ORDER BY code;

-- name: requests
-- The newest of an organisation; of all where none is named.
SELECT r.id, r.code, r.name, r.format, r.reason, r.region, r.stage, r.remark, r.asked_at, r.asked_by, o.name AS org_name
FROM element_request r JOIN organisation o ON o.id = r.org_id
WHERE $1::uuid IS NULL OR r.org_id = $1 ORDER BY (r.stage = 'asked') DESC, r.asked_at DESC LIMIT 100;

-- name: ask
INSERT INTO element_request (code, name, format, reason, region, org_id, asked_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING RETURNING id;

-- name: request
SELECT code, region, stage, asked_by FROM element_request WHERE id = $1 FOR UPDATE;

-- name: decide
UPDATE element_request SET stage = $2, remark = $3, decided_by = $4, decided_at = clock_timestamp() WHERE id = $1;
