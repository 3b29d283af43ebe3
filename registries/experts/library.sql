-- name: lock
SELECT status FROM expert WHERE person_id = $1 FOR UPDATE;

-- name: expert
SELECT e.*, p.login, p.name AS person_name FROM expert e JOIN person p ON p.id = e.person_id WHERE e.person_id = $1;

-- name: put
INSERT INTO expert (person_id, org_id, region, status, content) VALUES ($1, $2, $3, 'reviewing', $4)
ON CONFLICT (person_id) DO UPDATE SET status = 'reviewing', region = excluded.region, content = excluded.content,
    changed_at = now()
WHERE expert.status IN ('draft', 'reviewing');

-- name: replace_waiting
UPDATE expert_filing SET stage = 'replaced' WHERE person_id = $1 AND stage = 'filed';

-- name: add_filing
INSERT INTO expert_filing (person_id, no, region, content, filed_at)
SELECT $1, coalesce(max(no), 0) + 1, $2, $3, $4 FROM expert_filing WHERE person_id = $1 RETURNING id;

-- name: last_filing
SELECT * FROM expert_filing WHERE person_id = $1 ORDER BY no DESC LIMIT 1;

-- name: history
SELECT f.*, p.name AS filer, d.name AS decider FROM expert_filing f JOIN person p ON p.id = f.person_id
LEFT JOIN person d ON d.id = f.decided_by
WHERE f.person_id = $1 ORDER BY f.no DESC;

-- name: decide
UPDATE expert_filing SET stage = $2, decided_at = $3, decided_by = $4, remark = $5 WHERE person_id = $1 AND stage = 'filed'
RETURNING content, region;

-- name: carry
UPDATE expert SET content = $2, region = $3, good_until = $4, status = 'active', changed_at = now() WHERE person_id = $1;

-- name: set_status
UPDATE expert SET status = $2, changed_at = now() WHERE person_id = $1;

-- name: reached
-- He is called at the number of his dossier.
INSERT INTO person_contact (person_id, phone, by_sms, by_voice) VALUES ($1, $2, true, true)
ON CONFLICT (person_id) DO UPDATE SET phone = excluded.phone, by_sms = true, by_voice = true;

-- name: add_leave
INSERT INTO expert_leave (person_id, during, reason) VALUES ($1, daterange($2, $3, '[]'), $4);

-- name: leave_overlaps
SELECT EXISTS (SELECT FROM expert_leave WHERE person_id = $1 AND during && daterange($2, $3, '[]'));

-- name: leaves
SELECT id, lower(during) AS first, upper(during) - 1 AS last, reason FROM expert_leave
WHERE person_id = $1 ORDER BY during DESC;

-- name: found
-- Experts of the places $1: words in name or employer, a standing, or one whose term has ended before $4.
SELECT e.person_id, e.region, e.status, e.good_until, e.content, count(*) OVER () AS total,
       EXISTS (SELECT FROM expert_filing f WHERE f.person_id = e.person_id AND f.stage = 'filed') AS waits
FROM expert e
WHERE EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(e.region, place))
  AND ($2 = '' OR e.content->>'name' ILIKE '%' || $2 || '%' OR e.content->>'employments' ILIKE '%' || $2 || '%'
       OR EXISTS (SELECT FROM jsonb_array_elements_text(e.content->'specialties') AS s WHERE starts_with(s, upper($2))))
  AND ($3 = '' OR ($3 = 'waits' AND EXISTS (SELECT FROM expert_filing f WHERE f.person_id = e.person_id AND f.stage = 'filed'))
       OR ($3 = 'ended' AND e.good_until <= $4) OR e.status = $3)
ORDER BY waits DESC, e.changed_at DESC LIMIT $5 OFFSET $6;

-- name: add_change
INSERT INTO expert_change (person_id, before, after, reason, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: standings
SELECT c.*, p.name AS changer FROM expert_change c JOIN person p ON p.id = c.changed_by
WHERE c.person_id = $1 ORDER BY c.changed_at DESC;

-- name: end_leave
-- A leave that has begun ends yesterday; one still to come is dropped by drop_leave.
UPDATE expert_leave SET during = daterange(lower(during), $3) WHERE id = $1 AND person_id = $2 AND lower(during) < $3
    AND upper(during) > $3 RETURNING id;

-- name: drop_leave
DELETE FROM expert_leave WHERE id = $1 AND person_id = $2 AND lower(during) >= $3 RETURNING id;

-- name: listed
-- Whoever may be drawn at all: active, of these places; filed: the change that waits for review.
SELECT e.*, (SELECT f.content FROM expert_filing f WHERE f.person_id = e.person_id AND f.stage = 'filed') AS filed, coalesce((SELECT jsonb_agg(jsonb_build_object('first', lower(l.during), 'last', upper(l.during) - 1))
                      FROM expert_leave l WHERE l.person_id = e.person_id), '[]') AS leaves
FROM expert e JOIN person p ON p.id = e.person_id
WHERE e.status = 'active' AND p.active AND starts_with(e.region, $1) ORDER BY e.person_id;

-- name: served
-- The draws an expert accepted whose results are public.
SELECT d.id, d.title, d.review_at FROM draw_ticket t JOIN draw d ON d.id = t.draw_id
WHERE t.person_id = $1 AND t.answer = 'accepted' AND d.stage = 'published' ORDER BY d.review_at DESC LIMIT 50;

-- name: calls
-- Calls that wait for his answer, and those he accepted whose review is not over.
SELECT d.id, d.title, d.review_at, d.stage, t.answer, t.reply_until, o.name AS org_name,
       EXISTS (SELECT FROM draw n WHERE n.follows = d.id) AS followed
FROM draw_ticket t JOIN draw d ON d.id = t.draw_id JOIN organisation o ON o.id = d.org_id
WHERE t.person_id = $1 AND ((t.called_at IS NOT NULL AND t.answer IS NULL AND d.stage = 'calling')
    OR (t.answer = 'accepted' AND (d.stage IN ('calling', 'filled', 'exhausted') OR (d.stage = 'opened' AND d.review_at > $2)))) ORDER BY t.reply_until;
