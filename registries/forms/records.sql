-- name: forms_of
-- Every version of a place and of those above it.
SELECT id, kind, region, version, valid_from, body, source FROM text_form
WHERE starts_with($1, region) ORDER BY kind, region, version;

-- name: lock_form
SELECT pg_advisory_xact_lock(hashtextextended('text_form ' || $1 || ' ' || $2, 0));

-- name: newest
SELECT max(version) AS version, max(valid_from) AS valid_from FROM text_form WHERE kind = $1 AND region = $2;

-- name: add_form
INSERT INTO text_form (kind, region, version, valid_from, body, source, set_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id;

-- name: pin_forms
UPDATE auction SET text_forms = $2 WHERE id = $1;
