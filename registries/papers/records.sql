-- name: add
INSERT INTO paper (org_id, sha256, kind, name, body, width, height, pages, edited_with, filed_at, filed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id;

-- name: forget
-- A firm's papers that no filing has named within a day.
DELETE FROM paper WHERE org_id = $1 AND NOT kept AND filed_at < $2;

-- name: paper
SELECT id, org_id, kind, name, body FROM paper WHERE id = $1;

-- name: told
SELECT id, kind, name, length(body) AS bytes, width, height, pages, edited_with FROM paper
WHERE org_id = $1 AND id = ANY ($2::uuid[]);

-- name: keep
UPDATE paper SET kept = true WHERE org_id = $1 AND id = ANY ($2::uuid[]) AND NOT kept;

-- name: elsewhere
-- Which of the papers $2 another firm than $1 has filed too.
SELECT DISTINCT p.id FROM paper p WHERE p.org_id = $1 AND p.id = ANY ($2::uuid[])
  AND EXISTS (SELECT FROM paper o WHERE o.sha256 = p.sha256 AND o.org_id <> p.org_id AND o.kept);
