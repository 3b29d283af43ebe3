-- What the watchman asks of the main store, as the role yangcai_watchman (migration 0602).

-- name: heads_between
SELECT size, root, note FROM audit_checkpoint WHERE size > $1 AND size <= $2 ORDER BY size;

-- name: newest_size
SELECT coalesce(max(size), 0) FROM audit_checkpoint;

-- name: root_at
SELECT root FROM audit_checkpoint WHERE size = $1;

-- name: operators
SELECT id FROM audit_person WHERE id = ANY ($1) AND org_kind = 'operator';

-- name: people_named
SELECT id, login, name, org_name FROM audit_person WHERE login = $1 OR id::text = $1;

-- name: block
INSERT INTO audit_block (person_id, reason, ordered_by) VALUES ($1, $2, $3) RETURNING id;

-- name: blocks
-- Bars that stand, the newest first.
SELECT b.id, b.person_id, b.reason, b.ordered_by, b.at, p.login, p.name, p.org_name
FROM audit_block b LEFT JOIN audit_person p ON p.id = b.person_id
WHERE NOT EXISTS (SELECT FROM audit_release r WHERE r.block_id = b.id) ORDER BY b.id DESC LIMIT 200;

-- name: block_by_id
SELECT b.id, b.person_id FROM audit_block b
WHERE b.id = $1 AND NOT EXISTS (SELECT FROM audit_release r WHERE r.block_id = b.id);

-- name: is_barred
SELECT EXISTS (SELECT FROM audit_block b WHERE b.person_id = $1
               AND NOT EXISTS (SELECT FROM audit_release r WHERE r.block_id = b.id));

-- name: release
INSERT INTO audit_release (block_id, reason, asked_by, agreed_by) VALUES ($1, $2, $3, $4);

-- name: witness
INSERT INTO audit_witness (size, state, note) VALUES ($1, $2, $3);
