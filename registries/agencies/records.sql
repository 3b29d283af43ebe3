-- name: agencies_by_id
SELECT a.org_id, o.name, coalesce(o.uscc, '') AS uscc, a.region, a.status,
       coalesce((SELECT jsonb_agg(jsonb_build_object('kind', m.kind, 'begins', lower(m.during), 'ends', upper(m.during),
           'reason', m.reason, 'authority', m.authority, 'points', m.points) ORDER BY m.id)
           FROM agency_mark m WHERE m.org_id = a.org_id AND NOT isempty(m.during)), '[]') AS marks
FROM agency a JOIN organisation o ON o.id = a.org_id WHERE a.org_id = ANY($1::uuid[]);

-- name: put_agency
INSERT INTO agency (org_id, region, status) SELECT id, $2, $3 FROM organisation WHERE id = $1 AND kind = 'agency'
ON CONFLICT (org_id) DO UPDATE SET region = excluded.region, status = excluded.status, changed_at = now()
RETURNING org_id;

-- name: choosable
-- Published agencies that no ban keeps out on $2, with somebody who may host a case of the place $1.
SELECT DISTINCT o.id, o.name FROM agency a JOIN organisation o ON o.id = a.org_id
JOIN person p ON p.org_id = o.id AND p.active
JOIN role_grant g ON g.person_id = p.id AND g.role = 'agency' AND g.valid @> now()
WHERE agency_standing(a, $2::date) = 'active' AND starts_with($1, g.region) AND (g.org_id IS NULL OR g.org_id = o.id)
ORDER BY o.name;

-- name: standing_of
SELECT agency_standing(a, $2::date) FROM agency a WHERE a.org_id = $1;

-- name: search
-- Agencies with their standing on $1: words in name or code, a place, a standing; the public mean of their appraisals.
WITH found AS (
    SELECT a.org_id, o.name, coalesce(o.uscc, '') AS uscc, a.region, a.registered_at, agency_standing(a, $1::date) AS standing,
           greatest(0, least(100, 100 - coalesce((SELECT sum(m.points) FROM agency_mark m
               WHERE m.org_id = a.org_id AND m.during @> $1::date), 0)))::integer AS credit,
           (SELECT round(avg(p.competence + p.speed + p.service + p.integrity) / 4, 1)::float8
            FROM agency_appraisal p WHERE p.org_id = a.org_id) AS mean,
           (SELECT count(DISTINCT c.auction_id) FROM agency_activity c WHERE c.org_id = a.org_id) AS cases,
           (SELECT count(*) FROM agency_filing f WHERE f.org_id = a.org_id AND f.late_workdays > 0 AND f.stage IN ('filed', 'approved')
              AND f.filed_at > $1::date - interval '1 year') AS late
    FROM agency a JOIN organisation o ON o.id = a.org_id
    WHERE starts_with(a.region, $2) AND ($3 = '' OR o.name ILIKE '%' || $3 || '%' OR o.uscc = upper($3))
)
SELECT *, count(*) OVER () AS total FROM found WHERE $4 = '' OR standing = $4 OR ($4 = 'late' AND late > 0)
ORDER BY name, org_id LIMIT $5 OFFSET $6;

-- name: marks_of
SELECT m.id, m.kind, lower(m.during) AS begins, upper(m.during) AS ends, m.points, m.reason, m.authority, m.ended_why,
       m.during @> $2::date AS holds
FROM agency_mark m WHERE m.org_id = $1 ORDER BY m.set_at DESC, m.id DESC;

-- name: add_mark
INSERT INTO agency_mark (org_id, kind, during, points, reason, authority, set_by)
VALUES ($1, $2, daterange($3, $4), $5, $6, $7, $8) RETURNING id;

-- name: mark
SELECT m.id, m.org_id, m.kind, a.region FROM agency_mark m JOIN agency a ON a.org_id = m.org_id WHERE m.id = $1
FOR UPDATE OF m;

-- name: end_mark
-- From that day on it holds no more; one that has not begun never holds. Once: what was ended keeps its days and its reason.
UPDATE agency_mark SET during = daterange(lower(during), greatest($2, lower(during))), ended_by = $3, ended_why = $4
WHERE id = $1 AND NOT isempty(during) AND ended_by IS NULL AND (upper_inf(during) OR upper(during) > $2) RETURNING true;

-- name: same_mark
SELECT EXISTS (SELECT FROM agency_mark WHERE org_id = $1 AND kind = $2 AND during = daterange($3, $4) AND points = $5 AND reason = $6
               AND authority = $7);

-- name: activity
SELECT * FROM agency_activity WHERE org_id = $1 ORDER BY closed_at DESC NULLS LAST, lot_id LIMIT 50;

-- name: statistics
SELECT count(DISTINCT auction_id) AS cases, count(*) AS lots, count(*) FILTER (WHERE amount_fen IS NOT NULL) AS awarded,
       coalesce(sum(amount_fen), 0)::bigint AS amount_fen, count(*) FILTER (WHERE stage = 'failed') AS failed,
       count(DISTINCT buyer_org_id) AS buyers
FROM agency_activity WHERE org_id = $1;

-- name: appraisals
SELECT p.*, o.name AS buyer_name, a.title, a.number FROM agency_appraisal p JOIN organisation o ON o.id = p.buyer_org_id
JOIN auction a ON a.id = p.auction_id WHERE p.org_id = $1 ORDER BY p.given_at DESC LIMIT 50;

-- name: to_appraise
-- The purchaser's cases with this agency that are over and not appraised yet.
SELECT c.auction_id, c.number, a.title FROM agency_over c JOIN auction a ON a.id = c.auction_id
WHERE c.org_id = $1 AND c.buyer_org_id = $2 ORDER BY c.number;

-- name: add_appraisal
INSERT INTO agency_appraisal (auction_id, org_id, buyer_org_id, competence, speed, service, integrity, words, given_by, given_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE EXISTS (SELECT FROM agency_over c WHERE c.auction_id = $1 AND c.org_id = $2 AND c.buyer_org_id = $3)
ON CONFLICT (auction_id) DO NOTHING RETURNING true;

-- name: note_change
UPDATE agency_filing SET changed_on = $2, late_workdays = $3 WHERE id = $1;

-- name: late_of
-- Changes that were filed too late, the latest first.
SELECT no, filed_at, changed_on, late_workdays FROM agency_filing WHERE org_id = $1 AND late_workdays > 0 AND stage IN ('filed', 'approved') ORDER BY no DESC LIMIT 20;

-- name: by_quarter
-- What it ran in each of the last eight quarters before $2.
SELECT to_char(q, 'YYYY"Q"Q') AS quarter, count(DISTINCT c.auction_id) AS many, coalesce(sum(c.amount_fen), 0)::bigint AS fen
FROM generate_series(date_trunc('quarter', $2::timestamp) - interval '21 months', date_trunc('quarter', $2::timestamp), '3 months') AS q
LEFT JOIN agency_activity c ON c.org_id = $1 AND date_trunc('quarter', c.closed_at AT TIME ZONE 'Asia/Shanghai') = q
GROUP BY q ORDER BY q DESC;

-- name: measured
-- The mean of each measure of its appraisals, in hundredths.
SELECT count(*) AS many, round(100 * avg(competence))::integer AS competence, round(100 * avg(speed))::integer AS speed,
       round(100 * avg(service))::integer AS service, round(100 * avg(integrity))::integer AS integrity
FROM agency_appraisal WHERE org_id = $1;

-- name: told_before
-- Of the filings since the last one approved: the earliest day a change was said to hold since, and when the first was filed.
SELECT min(changed_on) AS changed_on, min(filed_at) AS filed_at FROM agency_filing f
WHERE f.org_id = $1 AND f.no > coalesce((SELECT max(no) FROM agency_filing WHERE org_id = $1 AND stage = 'approved'), 0);
