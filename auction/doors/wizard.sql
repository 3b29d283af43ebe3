-- name: add_form
INSERT INTO case_form (region, org_id, person_id, auction_id, fields) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: drop_old_forms
-- A person keeps his latest 20.
DELETE FROM case_form WHERE person_id = $1 AND id IN (
    SELECT id FROM case_form WHERE person_id = $1 ORDER BY changed_at DESC OFFSET 20);

-- name: form_of
SELECT id, auction_id, fields, changed_at FROM case_form WHERE id = $1 AND person_id = $2;

-- name: form_to_send
SELECT id, auction_id, fields, changed_at FROM case_form WHERE id = $1 AND person_id = $2 FOR UPDATE;

-- name: form_of_case
SELECT id FROM case_form WHERE auction_id = $1 AND person_id = $2 ORDER BY changed_at DESC LIMIT 1;

-- name: forms_of
SELECT id, auction_id, fields->'need'->>'title' AS title, changed_at FROM case_form
WHERE person_id = $1 ORDER BY changed_at DESC LIMIT 10;

-- name: keep_step
UPDATE case_form SET fields = fields || jsonb_build_object($3::text, $4::jsonb), changed_at = clock_timestamp()
WHERE id = $1 AND person_id = $2 RETURNING id;

-- name: drop_form
DELETE FROM case_form WHERE id = $1 AND person_id = $2 RETURNING id;

-- name: draft_of
SELECT a.*, (extract(epoch FROM a.opens_at) * 1000)::bigint AS opens_ms,
       (extract(epoch FROM a.signup_from) * 1000)::bigint AS signup_ms
FROM auction a WHERE a.id = $1;
