-- name: flow_for
-- The newest version of the nearest place that has a flow of its own.
SELECT f.* FROM approval_flow f
WHERE f.kind = $1 AND starts_with($2, f.region) AND f.steps <> '[]'
  AND NOT EXISTS (SELECT FROM approval_flow n WHERE n.kind = f.kind AND n.region = f.region AND n.version > f.version)
ORDER BY length(f.region) DESC LIMIT 1;

-- name: versions_of
SELECT f.*, p.name AS made_by_name,
       (SELECT count(*) FROM approval_case c WHERE c.flow_id = f.id AND c.state = 'running') AS running
FROM approval_flow f LEFT JOIN person p ON p.id = f.made_by
WHERE f.kind = $1 AND f.region = $2 ORDER BY f.version DESC LIMIT 50;

-- name: lock_place
SELECT pg_advisory_xact_lock(hashtextextended('approval_flow:' || $1 || ':' || $2, 0));

-- name: add_version
INSERT INTO approval_flow (kind, region, version, steps, note, made_by, made_at)
SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6 FROM approval_flow WHERE kind = $1 AND region = $2
RETURNING id, version;

-- name: standing
SELECT version, steps FROM approval_flow WHERE kind = $1 AND region = $2 ORDER BY version DESC LIMIT 1;

-- name: newest
SELECT version FROM approval_flow WHERE kind = $1 AND region = $2 ORDER BY version DESC LIMIT 1;

-- name: begin
INSERT INTO approval_case (kind, object_id, round, flow_id, steps, region, org_id, title, number, path, facts, filed_by,
                           filed_at, author)
SELECT $1, $2, coalesce(max(round), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
FROM approval_case WHERE kind = $1 AND object_id = $2
RETURNING *;

-- name: running_locked
SELECT * FROM approval_case WHERE kind = $1 AND object_id = $2 AND state = 'running' FOR UPDATE;

-- name: running_of
SELECT c.*, o.name AS org_name, p.name AS filed_by_name FROM approval_case c JOIN organisation o ON o.id = c.org_id
LEFT JOIN person p ON p.id = c.filed_by WHERE c.object_id = ANY ($1::uuid[]) AND c.state = 'running';

-- name: last_round
SELECT c.*, f.version, f.region AS flow_region FROM approval_case c LEFT JOIN approval_flow f ON f.id = c.flow_id
WHERE c.kind = $1 AND c.object_id = $2 ORDER BY c.round DESC LIMIT 1;

-- name: decisions_of
SELECT d.step, d.post, d.decision, d.remark, d.decided_by, d.decided_at, p.name FROM approval_decision d
JOIN person p ON p.id = d.decided_by WHERE d.case_id = $1 ORDER BY d.decided_at, d.step, d.post;

-- name: add_decision
INSERT INTO approval_decision (case_id, step, post, decision, remark, decided_by, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: waits_of
SELECT post FROM approval_wait WHERE case_id = $1;

-- name: stop_waiting
DELETE FROM approval_wait WHERE case_id = $1;

-- name: wait_for
INSERT INTO approval_wait (case_id, post, role, act, of_unit)
SELECT $1, w.post, w.role, $3, w.role <> 'supervisor' FROM unnest($2::text[], $4::text[]) AS w (post, role);

-- name: move
UPDATE approval_case SET at = $2, state = $3, ended_at = $4 WHERE id = $1;
