-- name: add
INSERT INTO draw (id, title, org_id, region, method, group_size, need, specialty, wide, review_at, avoided, stage, first_by,
                  server_secret, reply_minutes, unlock_minutes, asked_at, near, follows)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'committing', $12, $13, $14, $15, $16, $17, $18);

-- name: add_ticket
INSERT INTO draw_ticket (draw_id, ticket, tier, unit, person_id, name, phone, employer, salt, weight)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: heads
-- The heads of registered suppliers among the units to be avoided, by credit code or by name.
SELECT o.name_key, coalesce(o.uscc, '') AS uscc, s.head_name FROM organisation o JOIN supplier s ON s.org_id = o.id
WHERE s.head_name <> '' AND (o.uscc = ANY($1::text[]) OR o.name_key = ANY($2::text[]));

-- name: declined_before
-- Who declined a draw of the same title in this organisation, or avoids it.
SELECT DISTINCT t.person_id FROM draw_ticket t JOIN draw d ON d.id = t.draw_id
WHERE d.org_id = $1 AND d.title = $2 AND t.answer IN ('declined', 'avoids');

-- name: draw
SELECT d.*, o.name AS org_name, one.name AS first_name, two.name AS second_name
FROM draw d JOIN organisation o ON o.id = d.org_id JOIN person one ON one.id = d.first_by
LEFT JOIN person two ON two.id = d.second_by WHERE d.id = $1;

-- name: chain
-- A draw and those before it whose lists ran out.
WITH RECURSIVE before AS (
    SELECT id, follows FROM draw WHERE id = $1
    UNION ALL SELECT d.id, d.follows FROM draw d JOIN before b ON d.id = b.follows
) SELECT t.person_id, t.answer, e.content FROM before b JOIN draw_ticket t ON t.draw_id = b.id
JOIN expert e ON e.person_id = t.person_id WHERE t.answer IN ('accepted', 'declined', 'avoids');

-- name: widening
SELECT w.*, p.name AS asker, n.id AS next_id, n.stage AS next_stage FROM draw_widening w JOIN person p ON p.id = w.asked_by
LEFT JOIN draw n ON n.follows = w.draw_id WHERE w.draw_id = $1;

-- name: ask_widening
INSERT INTO draw_widening (draw_id, wide, near, reason, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (draw_id) DO UPDATE SET wide = $2, near = $3, reason = $4, asked_by = $5, asked_at = $6
WHERE draw_widening.agreed_by IS NULL;

-- name: agree_widening
UPDATE draw_widening SET agreed_by = $2, agreed_at = $3 WHERE draw_id = $1;

-- name: lock
SELECT id FROM draw WHERE id = $1 FOR UPDATE;

-- name: last_entry
SELECT n, hash, at_ms FROM draw_entry WHERE draw_id = $1 ORDER BY n DESC LIMIT 1;

-- name: add_entry
INSERT INTO draw_entry (draw_id, n, at_ms, event, detail, before, hash) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: entries
SELECT n, at_ms, event, detail, before, hash FROM draw_entry WHERE draw_id = $1 ORDER BY n;

-- name: commit_first
UPDATE draw SET first_commitment = $2 WHERE id = $1;

-- name: commit_second
UPDATE draw SET second_commitment = $2, second_by = $3 WHERE id = $1;

-- name: reveal_first
UPDATE draw SET first_secret = $2 WHERE id = $1;

-- name: reveal_second
UPDATE draw SET second_secret = $2 WHERE id = $1;

-- name: key_first
UPDATE draw SET first_key_at = $2 WHERE id = $1;

-- name: key_second
UPDATE draw SET second_key_at = $2 WHERE id = $1;

-- name: set_stage
UPDATE draw SET stage = $2 WHERE id = $1;

-- name: tickets
SELECT * FROM draw_ticket WHERE draw_id = $1 ORDER BY place, tier, ticket;

-- name: set_places
UPDATE draw_ticket t SET place = o.place FROM unnest($2::text[]) WITH ORDINALITY AS o (ticket, place)
WHERE t.draw_id = $1 AND t.ticket = o.ticket;

-- name: call
UPDATE draw_ticket SET called_at = $3, reply_until = $4 WHERE draw_id = $1 AND ticket = ANY($2::text[]);

-- name: answer
UPDATE draw_ticket SET answer = $3, answered_at = $4 WHERE draw_id = $1 AND ticket = $2;

-- name: ways_of
SELECT person_id, by_email, by_sms, by_voice FROM person_contact WHERE person_id = ANY($1::uuid[]);

-- name: overdue
SELECT DISTINCT t.draw_id FROM draw_ticket t JOIN draw d ON d.id = t.draw_id
WHERE t.called_at IS NOT NULL AND t.answer IS NULL AND t.reply_until <= $1 AND d.stage = 'calling' LIMIT 100;

-- name: found
-- Draws within reach: of the places $1 (whole) or the organisations $2.
SELECT d.*, o.name AS org_name, count(*) OVER () AS total,
       (SELECT count(*) FROM draw_ticket t WHERE t.draw_id = d.id AND t.answer = 'accepted') AS accepted
FROM draw d JOIN organisation o ON o.id = d.org_id
WHERE (EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(d.region, place)) OR d.org_id = ANY($2::uuid[]))
  AND ($3 = '' OR d.title ILIKE '%' || $3 || '%' OR o.name ILIKE '%' || $3 || '%') AND ($4 = '' OR d.stage = $4)
ORDER BY d.id DESC LIMIT $5 OFFSET $6;

-- name: lock_asking
-- One asks at a time for a unit, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('draw:' || $1::uuid, 0));

-- name: asked_already
-- Whether a unit has just asked for the same draw.
SELECT EXISTS (SELECT FROM draw d WHERE d.org_id = $1 AND d.title = $2 AND d.specialty = $3 AND d.review_at = $4 AND d.stage = 'committing');
