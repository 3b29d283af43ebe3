-- name: standing
-- The subject's row, locked, and how often it was returned.
SELECT s.status, (SELECT count(*) FROM {kind}_filing f WHERE f.org_id = s.org_id AND f.stage = 'returned') AS returned
FROM {kind} s WHERE s.org_id = $1 FOR UPDATE OF s;

-- name: replace_waiting
UPDATE {kind}_filing SET stage = 'replaced' WHERE org_id = $1 AND stage = 'filed';

-- name: add_filing
INSERT INTO {kind}_filing (org_id, no, region, content, pledged, needs_proof, filed_at, filed_by)
SELECT $1, coalesce(max(no), 0) + 1, $2, $3, $4, $5, $6, $7 FROM {kind}_filing WHERE org_id = $1
RETURNING id;

-- name: carry_names
-- What stands at the organisation itself comes from the dossier in force.
UPDATE organisation SET name = $2, name_key = $3, uscc = $4, region = $5,
    state = CASE state WHEN 'refused' THEN 'active' ELSE state END WHERE id = $1;

-- name: free_names
-- Name and code belong to somebody else: this one has them no more.
UPDATE organisation SET uscc = NULL, state = 'refused' WHERE id = $1;

-- name: carry_people
UPDATE person SET region = $2 WHERE org_id = $1 AND region <> $2;

-- name: filing
SELECT f.*, o.name AS org_name, p.name AS filer, s.status
FROM {kind}_filing f JOIN organisation o ON o.id = f.org_id JOIN {kind} s ON s.org_id = f.org_id
LEFT JOIN person p ON p.id = f.filed_by WHERE f.id = $1;

-- name: lock
SELECT status FROM {kind} WHERE org_id = $1 FOR UPDATE;

-- name: set_status
UPDATE {kind} SET status = $2, changed_at = now() WHERE org_id = $1;

-- name: decide
UPDATE {kind}_filing SET stage = $2, decided_at = $3, decided_by = $4, remark = $5 WHERE id = $1 AND stage = 'filed'
RETURNING true;

-- name: uscc_proven
UPDATE {kind} SET uscc_proven = true WHERE org_id = $1;

-- name: last_filing
SELECT f.* FROM {kind}_filing f WHERE f.org_id = $1 ORDER BY f.no DESC LIMIT 1;

-- name: before
-- What was in force before filing $2: the approved one ahead of it.
SELECT f.content FROM {kind}_filing f WHERE f.org_id = $1 AND f.no < $2 AND f.stage = 'approved' ORDER BY f.no DESC LIMIT 1;

-- name: history
SELECT f.*, p.name AS filer, d.name AS decider FROM {kind}_filing f
LEFT JOIN person p ON p.id = f.filed_by LEFT JOIN person d ON d.id = f.decided_by
WHERE f.org_id = $1 ORDER BY f.no DESC;

-- name: waiting
-- Filings that wait in the places $1, the longest first.
SELECT f.id, f.no, f.region, f.pledged, f.needs_proof, f.filed_at, f.content->>'name' AS name,
       f.content->>'uscc' AS uscc, s.status, count(*) OVER () AS total
FROM {kind}_filing f JOIN {kind} s ON s.org_id = f.org_id
WHERE f.stage = 'filed' AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(f.region, place))
  AND ($2 = '' OR f.content->>'name' ILIKE '%' || $2 || '%' OR f.content->>'uscc' = upper($2))
  AND ($3 = '' OR ($3 = 'first') = (f.no = 1))
ORDER BY f.filed_at LIMIT $4 OFFSET $5;

-- name: in_force
-- The filing in force: of an active subject ($2) the one last approved, else the one last filed.
SELECT f.content FROM {kind}_filing f
WHERE f.org_id = $1 AND CASE WHEN $2 THEN f.stage = 'approved' ELSE f.stage <> 'rejected' END ORDER BY f.no DESC LIMIT 1;
