-- name: came
-- Who accepted, with his fee and whether both sides have appraised; of the draws whose names are open.
SELECT t.person_id, t.name, t.employer, t.phone, e.region AS home, f.stage, f.presence, f.from_at, f.until_at, f.time_fen,
       f.overtime_fen, f.travel_fen, f.time_fen + f.overtime_fen + f.travel_fen AS total_fen, f.remark, f.paid_at,
       h.marks AS host_marks, h.words AS host_words, h.no AS host_no, t.statement, x.marks AS expert_marks, x.words AS expert_words
FROM draw_ticket t JOIN expert e ON e.person_id = t.person_id
LEFT JOIN draw_fee f ON f.draw_id = t.draw_id AND f.person_id = t.person_id
LEFT JOIN draw_appraised h ON h.draw_id = t.draw_id AND h.person_id = t.person_id AND h.side = 'host'
LEFT JOIN draw_appraised x ON x.draw_id = t.draw_id AND x.person_id = t.person_id AND x.side = 'expert'
WHERE t.draw_id = $1 AND t.answer = 'accepted' ORDER BY t.place;

-- name: fee
SELECT f.*, d.org_id, d.region FROM draw_fee f JOIN draw d ON d.id = f.draw_id
WHERE f.draw_id = $1 AND f.person_id = $2 FOR UPDATE OF f;

-- name: home
SELECT e.region FROM draw_ticket t JOIN expert e ON e.person_id = t.person_id
WHERE t.draw_id = $1 AND t.person_id = $2 AND t.answer = 'accepted';

-- name: put_fee
INSERT INTO draw_fee (draw_id, person_id, stage, presence, from_at, until_at, time_fen, overtime_fen, travel_fen,
                      recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (draw_id, person_id) DO UPDATE SET stage = $3, presence = $4, from_at = $5, until_at = $6, time_fen = $7,
    overtime_fen = $8, travel_fen = $9, recorded_by = $10, recorded_at = $11, remark = '', answered_at = NULL;

-- name: answer_fee
UPDATE draw_fee SET stage = $3, remark = $4, answered_at = $5 WHERE draw_id = $1 AND person_id = $2;

-- name: pay_fee
UPDATE draw_fee SET stage = 'paid', paid_by = $3, paid_at = $4 WHERE draw_id = $1 AND person_id = $2;

-- name: versions
SELECT no, given_at FROM draw_appraisal WHERE draw_id = $1 AND person_id = $2 AND side = $3 ORDER BY no;

-- name: add_appraisal
INSERT INTO draw_appraisal (draw_id, person_id, side, no, marks, mean_bp, words, given_by, given_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: appraisals_of
-- What hosts said of an expert, every version, the latest first.
SELECT a.*, d.title, d.review_at, o.name AS org_name, p.name AS giver, t.statement
FROM draw_appraisal a JOIN draw d ON d.id = a.draw_id
JOIN draw_ticket t ON t.draw_id = a.draw_id AND t.person_id = a.person_id
JOIN organisation o ON o.id = d.org_id JOIN person p ON p.id = a.given_by
WHERE a.person_id = $1 AND a.side = 'host' ORDER BY d.review_at DESC, a.no DESC LIMIT 100;

-- name: heard
-- Whether he has been told what the host said of him: once he has spoken himself, or can no more (reviews before $3).
SELECT EXISTS (SELECT FROM draw_appraised a WHERE a.draw_id = d.id AND a.person_id = $2 AND a.side = 'host')
   AND (d.review_at < $3
        OR EXISTS (SELECT FROM draw_appraised a WHERE a.draw_id = d.id AND a.person_id = $2 AND a.side = 'expert'))
FROM draw d WHERE d.id = $1;

-- name: state
UPDATE draw_ticket SET statement = $3 WHERE draw_id = $1 AND person_id = $2;

-- name: means
-- The mean of the appraisals of each of these experts since $2, and of how many.
SELECT person_id, avg(mean_bp)::int AS mean, count(*)::int AS many FROM draw_appraised
WHERE person_id = ANY($1::uuid[]) AND side = 'host' AND given_at >= $2 GROUP BY person_id;

-- name: reviews_of
-- An expert's reviews whose names are open: his fee, what he said of the host; what was said of him once he has spoken
-- himself, or can no more (reviews before $3).
SELECT d.id, d.title, d.review_at, d.region, d.stage, o.name AS org_name, f.stage AS fee, f.presence, f.from_at, f.until_at,
       f.time_fen, f.overtime_fen, f.travel_fen, f.time_fen + f.overtime_fen + f.travel_fen AS total_fen, f.remark, f.paid_at,
       t.statement, x.marks AS said, x.words,
       CASE WHEN x.no IS NOT NULL OR d.review_at < $3 THEN h.marks END AS heard,
       CASE WHEN x.no IS NOT NULL OR d.review_at < $3 THEN h.words END AS heard_words
FROM draw_ticket t JOIN draw d ON d.id = t.draw_id JOIN organisation o ON o.id = d.org_id
LEFT JOIN draw_fee f ON f.draw_id = d.id AND f.person_id = t.person_id
LEFT JOIN draw_appraised x ON x.draw_id = d.id AND x.person_id = t.person_id AND x.side = 'expert'
LEFT JOIN draw_appraised h ON h.draw_id = d.id AND h.person_id = t.person_id AND h.side = 'host'
WHERE t.person_id = $1 AND t.answer = 'accepted' AND d.stage IN ('opened', 'published') AND d.review_at <= $2
ORDER BY d.review_at DESC LIMIT 20;
