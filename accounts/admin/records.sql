-- The permission centre. $1 places, $2 organisations: what the reader manages.

-- name: organisations
SELECT o.id, o.name, o.kind, o.region, o.uscc, o.state, above.name AS parent_name, o.parent_id,
       (SELECT count(*) FROM person p WHERE p.org_id = o.id AND p.active) AS people, count(*) OVER () AS total
FROM organisation o LEFT JOIN organisation above ON above.id = o.parent_id
WHERE (o.id = ANY ($2) OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(o.region, place)))
  AND ($3 = '' OR o.name ILIKE '%' || $3 || '%' OR o.uscc = upper($3)) AND ($4 = '' OR o.kind = $4)
ORDER BY o.state = 'waiting' DESC, o.region, o.name, o.id LIMIT $5 OFFSET $6;

-- name: organisation
SELECT o.id, o.name, o.kind, o.region, o.uscc, o.state, o.parent_id, above.name AS parent_name
FROM organisation o LEFT JOIN organisation above ON above.id = o.parent_id WHERE o.id = $1;

-- name: units_above
-- Units under which another may stand: those called $3 or with that code; with null the first by name, as a help to type.
SELECT o.id, o.name FROM organisation o
WHERE o.kind = 'buyer' AND o.state = 'active' AND ($3::text IS NULL OR o.name = $3 OR o.uscc = upper($3))
  AND (o.id = ANY ($2) OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(o.region, place)))
ORDER BY o.name LIMIT 500;

-- name: lock_names
SELECT pg_advisory_xact_lock(hashtextextended('organisation names', 0));

-- name: same_name
-- Who has this name already, to the eye; of those before the key was kept, by its letters.
SELECT id, name, region FROM organisation
WHERE state IN ('waiting', 'active') AND (name_key = $1 OR (name_key IS NULL AND lower(name) = lower($2)))
  AND id IS DISTINCT FROM $3 LIMIT 1;

-- name: same_uscc
SELECT id, name FROM organisation WHERE uscc = $1 AND id IS DISTINCT FROM $2;

-- name: place_under
UPDATE organisation SET parent_id = $2 WHERE id = $1;

-- name: people_of
SELECT id FROM person WHERE org_id = $1;

-- name: set_org_state
UPDATE organisation SET state = $2 WHERE id = $1 AND state <> $2 RETURNING id;

-- name: people
SELECT p.id, p.name, p.login, p.active, p.org_id, o.name AS org_name, o.region, p.password_hash IS NULL AS invited,
       coalesce((SELECT array_agg(DISTINCT coalesce(m.name, g.role) ORDER BY coalesce(m.name, g.role))
                 FROM role_grant g LEFT JOIN made_role m ON m.id = g.made_role
                 WHERE g.person_id = p.id AND g.valid @> now()), '{}') AS roles,
       count(*) OVER () AS total
FROM person p JOIN organisation o ON o.id = p.org_id
WHERE (o.id = ANY ($2) OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(o.region, place)))
  AND ($3 = '' OR p.name ILIKE '%' || $3 || '%' OR p.login ILIKE $3 || '%' OR o.name ILIKE '%' || $3 || '%')
  AND ($4 = '' OR EXISTS (SELECT FROM role_grant g WHERE g.person_id = p.id AND g.role = $4 AND g.valid @> now()))
  AND ($7::uuid IS NULL OR p.org_id = $7)
ORDER BY p.active DESC, o.name, p.name, p.id LIMIT $5 OFFSET $6;

-- name: person
SELECT p.id, p.name, p.login, p.active, p.org_id, o.name AS org_name, o.kind AS org_kind, o.region, o.state AS org_state,
       p.password_hash IS NULL AS invited,
       (SELECT max(i.expires_at) FROM account_invitation i WHERE i.person_id = p.id AND i.used_at IS NULL) AS invited_until
FROM person p JOIN organisation o ON o.id = p.org_id WHERE p.id = $1;

-- name: lock_person
SELECT id FROM person WHERE id = $1 FOR UPDATE;

-- name: lock_delegations
-- What he may give, now, held until this is over: what is taken from him meanwhile waits.
SELECT d.id, d.role, d.region, d.org_id, m.acts, d.onward, lower(d.valid) AS since, upper(d.valid) AS until
FROM delegation d LEFT JOIN made_role m ON m.id = d.made_role
WHERE d.person_id = $1 AND d.valid @> $2::timestamptz ORDER BY d.id FOR SHARE OF d;

-- name: grants_of
SELECT g.id, g.role, m.name AS made_name, g.region, g.org_id, g.object_id, g.object_number, o.name AS org_name, lower(g.valid) AS since,
       upper(g.valid) AS until, g.created_at, giver.name AS giver, giver.login AS giver_login, ender.name AS ender
FROM role_grant g LEFT JOIN made_role m ON m.id = g.made_role LEFT JOIN organisation o ON o.id = g.org_id
LEFT JOIN person giver ON giver.id = g.granted_by LEFT JOIN person ender ON ender.id = g.ended_by
WHERE g.person_id = $1 ORDER BY upper(g.valid) DESC NULLS FIRST, g.id DESC LIMIT 200;

-- name: delegations_of
SELECT d.id, d.role, m.name AS made_name, d.region, d.org_id, o.name AS org_name, d.onward, lower(d.valid) AS since,
       upper(d.valid) AS until, d.given_at, giver.name AS giver, giver.login AS giver_login, d.made_role
FROM delegation d LEFT JOIN made_role m ON m.id = d.made_role LEFT JOIN organisation o ON o.id = d.org_id
LEFT JOIN person giver ON giver.id = d.given_by
WHERE d.person_id = $1 AND NOT coalesce(upper(d.valid) <= now(), false) ORDER BY d.role, d.id LIMIT 200;

-- name: held_roles
SELECT DISTINCT role FROM role_grant WHERE person_id = $1 AND NOT coalesce(upper(valid) <= $2, false);

-- name: held_rights
-- Every right a person has, to act or to give.
SELECT role, region, org_id FROM role_grant WHERE person_id = $1 AND NOT coalesce(upper(valid) <= $2, false)
UNION SELECT role, region, org_id FROM delegation WHERE person_id = $1 AND NOT coalesce(upper(valid) <= $2, false);

-- name: holds_same
SELECT EXISTS (SELECT FROM role_grant WHERE person_id = $1 AND role = $2 AND made_role IS NOT DISTINCT FROM $3
    AND region = $4 AND org_id IS NOT DISTINCT FROM $5 AND object_id IS NOT DISTINCT FROM $6
    AND valid @> tstzrange($7, $8));

-- name: add_grant
INSERT INTO role_grant (person_id, role, made_role, region, org_id, object_id, valid, granted_by, given_from,
                        object_number)
VALUES ($1, $2, $3, $4, $5, $6, tstzrange($7, $8), $9, $10, $11) RETURNING id;

-- name: add_delegation
INSERT INTO delegation (person_id, role, made_role, region, org_id, valid, onward, given_by, given_from)
VALUES ($1, $2, $3, $4, $5, tstzrange($6, $7), $8, $9, $10) RETURNING id;

-- name: grant
SELECT g.id, g.person_id, g.role, g.region AS right_region, g.org_id AS right_org, p.org_id, o.region
FROM role_grant g JOIN person p ON p.id = g.person_id JOIN organisation o ON o.id = p.org_id WHERE g.id = $1;

-- name: delegation
SELECT d.id, d.person_id, d.role, d.given_from, d.given_by, p.org_id, o.region
FROM delegation d JOIN person p ON p.id = d.person_id JOIN organisation o ON o.id = p.org_id WHERE d.id = $1;

-- name: end_grant
-- From now on; one that has not begun is taken away whole, its line stays in the trail.
UPDATE role_grant SET valid = tstzrange(lower(valid), $2), ended_by = $3
WHERE id = $1 AND lower(valid) < $2 AND NOT coalesce(upper(valid) <= $2, false) RETURNING id;

-- name: drop_grant
DELETE FROM role_grant WHERE id = $1 AND lower(valid) >= $2 RETURNING id;

-- name: end_delegations
-- The delegation and all that was given on from it, by whomever.
WITH RECURSIVE given AS (
    SELECT id FROM delegation WHERE id = $1
    UNION SELECT d.id FROM delegation d JOIN given ON d.given_from = given.id)
UPDATE delegation d SET valid = tstzrange(lower(valid), greatest($2::timestamptz, lower(valid) + interval '1 microsecond')),
    ended_by = $3
FROM given WHERE d.id = given.id AND NOT coalesce(upper(d.valid) <= $2, false) RETURNING d.id;

-- name: add_invitation
INSERT INTO account_invitation (token_sha256, person_id, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5);

-- name: drop_invitations
DELETE FROM account_invitation WHERE person_id = $1 AND used_at IS NULL;

-- name: invitation
SELECT i.person_id, p.login, p.name, o.name AS org_name FROM account_invitation i JOIN person p ON p.id = i.person_id AND p.active
JOIN organisation o ON o.id = p.org_id WHERE i.token_sha256 = $1 AND i.used_at IS NULL AND i.expires_at > $2;

-- name: use_invitation
UPDATE account_invitation SET used_at = $2 WHERE token_sha256 = $1 AND used_at IS NULL AND expires_at > $2 RETURNING person_id;

-- name: switch_person
UPDATE person SET active = $2 WHERE id = $1 AND active <> $2 RETURNING id;

-- name: made_roles
SELECT m.id, m.name, m.base, m.acts, m.region, m.made_at, maker.name AS maker, m.retired_at
FROM made_role m LEFT JOIN person maker ON maker.id = m.made_by
WHERE EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(m.region, place) OR starts_with(place, m.region))
ORDER BY m.retired_at IS NOT NULL, m.base, m.name LIMIT 200;

-- name: made_role
SELECT id, name, base, acts, region FROM made_role WHERE id = $1 AND retired_at IS NULL;

-- name: add_made_role
INSERT INTO made_role (name, base, acts, region, made_by) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: retire_made_role
UPDATE made_role SET retired_at = $2 WHERE id = $1 AND retired_at IS NULL RETURNING id;

-- name: who_holds
-- Everybody who holds one of the roles $1, with the right as it was given; the newest first.
SELECT g.id, g.role, m.name AS made_name, m.acts, g.region, g.org_id, g.object_id, g.object_number, lower(g.valid) AS since,
       upper(g.valid) AS until, g.created_at, p.id AS person_id, p.name, p.login, p.active, p.org_id AS person_org,
       o.name AS org_name,
       o.state AS org_state, audit_bar(p.id) AS bar, giver.name AS giver, giver.login AS giver_login,
       source.region AS source_region, source.role AS source_role, held.name AS grant_org_name
FROM role_grant g LEFT JOIN organisation held ON held.id = g.org_id JOIN person p ON p.id = g.person_id JOIN organisation o ON o.id = p.org_id
LEFT JOIN made_role m ON m.id = g.made_role LEFT JOIN person giver ON giver.id = g.granted_by
LEFT JOIN delegation source ON source.id = g.given_from
WHERE g.role = ANY ($1::text[]) AND (starts_with($2, g.region) OR p.id = $3) AND (g.org_id IS NULL OR g.org_id = $4 OR p.id = $3)
ORDER BY p.name, p.id, g.id DESC LIMIT 2000;

-- name: person_by_words
-- The person of this login or name whom the reader manages, or who works for the organisation $4.
SELECT p.id, p.name, p.login FROM person p JOIN organisation o ON o.id = p.org_id
WHERE (lower(p.login) = lower($3) OR p.name = $3) AND (o.id = ANY ($2) OR o.id = $4
       OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(o.region, place)))
ORDER BY lower(p.login) = lower($3) DESC, p.id LIMIT 1;

-- name: org_by_words
SELECT o.id, o.name, o.region, o.kind FROM organisation o
WHERE (o.id::text = $3 OR o.name = $3 OR o.name ILIKE '%' || $4 || '%')
  AND (o.id = ANY ($2) OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(o.region, place)))
ORDER BY o.id::text = $3 DESC, o.name = $3 DESC, o.name LIMIT 1;
