-- name: waiting_for
-- What waits for each of $1 at $2, also what he handed on himself. mine: it is his to do now. for_name: whom he stands in
-- for, where the step was that one's.
WITH item AS MATERIALIZED (SELECT * FROM todo_waiting), who AS (
    SELECT p.id, p.org_id FROM person p WHERE p.id = ANY($1::uuid[]) AND p.active
), held AS (
    SELECT w.id, w.org_id, g.role, g.region, g.org_id AS only_org, g.object_id, m.acts
    FROM who w JOIN role_grant g ON g.person_id = w.id AND g.valid @> $2::timestamptz LEFT JOIN made_role m ON m.id = g.made_role
), reached AS (
    SELECT w.id AS reader, i.key FROM who w JOIN item i ON i.person_id = w.id
    UNION
    SELECT h.id, i.key FROM held h JOIN item i ON i.person_id IS NULL AND h.role = ANY(i.roles)
        AND starts_with(i.region, h.region) AND (h.org_id = ANY(i.org_ids) OR cardinality(i.org_ids) = 0)
        AND (h.only_org IS NULL OR h.only_org = ANY(i.org_ids))
        AND (h.object_id IS NULL OR h.object_id = i.object_id) AND (h.acts IS NULL OR i.act = ANY(h.acts))
    WHERE NOT coalesce(h.id = ANY(i.not_persons), false)
)
SELECT r.reader, i.key, i.kind, i.title, i.number, i.path, i.region, i.until, i.person_id IS NOT NULL AS personal,
       m.since, m.due_at, o.to_person, o.by_person, t.name AS to_name, b.name AS by_name, o.reason,
       o.to_person IS NULL OR o.to_person = r.reader OR s.id IS NOT NULL AS mine,
       CASE WHEN s.id IS NOT NULL AND o.to_person <> r.reader THEN t.name ELSE '' END AS for_name
FROM reached r JOIN item i USING (key) LEFT JOIN todo_mark m USING (key)
LEFT JOIN todo_handover o ON o.key = r.key AND o.ended_at IS NULL
LEFT JOIN person t ON t.id = o.to_person LEFT JOIN person b ON b.id = o.by_person
LEFT JOIN LATERAL (SELECT x.id FROM substitution x WHERE x.person_id = o.to_person AND x.substitute_id = r.reader
                   AND x.during @> $2::timestamptz LIMIT 1) AS s ON true;

-- name: may_take
-- Who, or whether $4, could do the step $1 at $2 instead of $3: of the same organisations, the same grants as for the list.
SELECT DISTINCT p.id, p.name, p.login, o.name AS org_name FROM todo_waiting i
JOIN role_grant g ON g.role = ANY(i.roles) AND g.valid @> $2::timestamptz AND starts_with(i.region, g.region)
    AND (g.object_id IS NULL OR g.object_id = i.object_id)
    AND (g.org_id IS NULL OR g.org_id = ANY(i.org_ids))
LEFT JOIN made_role m ON m.id = g.made_role
JOIN person p ON p.id = g.person_id AND p.active AND audit_bar(p.id) = ''
JOIN organisation o ON o.id = p.org_id AND o.state = 'active'
WHERE i.key = $1 AND i.person_id IS NULL AND p.id <> $3 AND NOT coalesce(p.id = ANY(i.not_persons), false)
  AND (p.org_id = ANY(i.org_ids) OR (cardinality(i.org_ids) = 0 AND p.org_id = (SELECT org_id FROM person WHERE id = $3)))
  AND (m.id IS NULL OR i.act = ANY(m.acts)) AND ($4::uuid IS NULL OR p.id = $4)
ORDER BY o.name, p.name LIMIT 2000;

-- name: end_handover
UPDATE todo_handover SET ended_at = $2 WHERE key = $1 AND ended_at IS NULL RETURNING by_person, to_person;

-- name: hand_over
INSERT INTO todo_handover (key, to_person, by_person, reason, at) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: new_steps
-- Steps that have no mark yet; the place of each, for its working days.
SELECT i.key, i.region, i.until FROM todo_waiting i
WHERE NOT EXISTS (SELECT FROM todo_mark m WHERE m.key = i.key) ORDER BY i.key LIMIT 500;

-- name: mark
INSERT INTO todo_mark (key, since, due_at) SELECT k, $3, d FROM unnest($1::text[], $2::timestamptz[]) AS n (k, d)
ON CONFLICT DO NOTHING;

-- name: moved_dues
-- A rule's own time that was moved (a hold, an amendment) moves the step's.
UPDATE todo_mark m SET due_at = i.until, reminded = least(m.reminded, 1) FROM todo_waiting i
WHERE i.key = m.key AND i.until IS NOT NULL AND i.until <> m.due_at;

-- name: forget_done
DELETE FROM todo_mark m WHERE NOT EXISTS (SELECT FROM todo_waiting i WHERE i.key = m.key);

-- name: end_done_handovers
UPDATE todo_handover o SET ended_at = $1
WHERE o.ended_at IS NULL AND NOT EXISTS (SELECT FROM todo_waiting i WHERE i.key = o.key);

-- name: colleagues
-- Who, or whether $3, may stand in for $2.
SELECT p.id, p.name, p.login FROM person p
WHERE p.org_id = $1 AND p.id <> $2 AND p.active AND audit_bar(p.id) = '' AND ($3::uuid IS NULL OR p.id = $3)
ORDER BY p.name LIMIT 2000;

-- name: add_substitution
INSERT INTO substitution (person_id, substitute_id, during, reason, made_at)
VALUES ($1, $2, tstzrange($3, $4), $5, $6) RETURNING id;

-- name: lend_grants
-- The substitute has what the absent one holds of his own, for that time; nothing lent is lent on.
INSERT INTO role_grant (person_id, role, made_role, region, org_id, object_id, valid, granted_by, substitution_id)
SELECT s.substitute_id, g.role, g.made_role, g.region, g.org_id, g.object_id, s.during * g.valid, s.person_id, s.id
FROM substitution s JOIN role_grant g ON g.person_id = s.person_id AND g.substitution_id IS NULL
WHERE s.id = $1 AND g.role = ANY($2::text[]) AND s.during && g.valid RETURNING role;

-- name: substitutions_of
SELECT s.*, lower(s.during) AS since, upper(s.during) AS until, p.name, p.login, a.name AS absent_name,
       lower(s.during) > $2::timestamptz AS coming
FROM substitution s JOIN person p ON p.id = s.substitute_id JOIN person a ON a.id = s.person_id
WHERE (s.person_id = $1 OR s.substitute_id = $1) AND upper(s.during) > $2 ORDER BY s.during;

-- name: end_substitution
-- One that has begun ends now and leaves its row; one that has not is gone.
WITH gone AS (DELETE FROM role_grant WHERE substitution_id = $1 AND lower(valid) >= $3::timestamptz),
     cut AS (UPDATE role_grant SET valid = tstzrange(lower(valid), $3)
             WHERE substitution_id = $1 AND lower(valid) < $3 AND upper(valid) > $3)
UPDATE substitution SET during = tstzrange(least(lower(during), $3::timestamptz - interval '1 millisecond'), $3)
WHERE id = $1 AND person_id = $2 AND upper(during) > $3 RETURNING substitute_id;

-- name: roles_of
SELECT DISTINCT role FROM role_grant WHERE person_id = $1 AND valid && tstzrange($2::timestamptz, $3::timestamptz);

-- name: contact
SELECT email, phone, by_email, by_sms, by_voice FROM person_contact WHERE person_id = $1;

-- name: put_contact
INSERT INTO person_contact (person_id, email, phone, by_email, by_sms, by_voice) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (person_id) DO UPDATE SET email = $2, phone = $3, by_email = $4, by_sms = $5, by_voice = $6;

-- name: to_remind
-- Steps that have reached a higher rung: 1 new, 2 due within $2 of $1, 3 overdue at $1.
SELECT m.key, m.since, m.due_at, i.kind, i.title, i.number, i.path, i.region,
       CASE WHEN m.due_at <= $1::timestamptz THEN 3 WHEN m.due_at <= $2::timestamptz THEN 2 ELSE 1 END AS rung
FROM todo_mark m JOIN todo_waiting i USING (key)
WHERE m.reminded < CASE WHEN m.due_at <= $1::timestamptz THEN 3 WHEN m.due_at <= $2::timestamptz THEN 2 ELSE 1 END ORDER BY m.key LIMIT 200;

-- name: reminded
UPDATE todo_mark SET reminded = $2 WHERE key = $1;

-- name: people_reached
-- Everybody with a way to be reached who may have a step waiting.
SELECT c.person_id, c.by_email, c.by_sms, c.by_voice FROM person_contact c JOIN person p ON p.id = c.person_id AND p.active
WHERE c.by_email OR c.by_sms OR c.by_voice;
