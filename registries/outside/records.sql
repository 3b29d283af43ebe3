-- name: last
-- The last answer of each register for the firm $1.
SELECT DISTINCT ON (register) register, outcome, content, since, seen FROM outside_answer
WHERE code = $1 ORDER BY register, id DESC;

-- name: tried
SELECT register, tried, silent FROM outside_try WHERE code = $1;

-- name: hear
-- Keep an answer: the one that is known is heard again, another is a new row.
WITH last AS (
    SELECT id, outcome, content FROM outside_answer WHERE code = $1 AND register = $2 ORDER BY id DESC LIMIT 1
), same AS (
    UPDATE outside_answer a SET seen = greatest(a.seen, $5) FROM last
    WHERE a.id = last.id AND last.outcome = $3 AND last.content IS NOT DISTINCT FROM $4::jsonb RETURNING a.id
)
INSERT INTO outside_answer (code, register, outcome, content, since, seen)
SELECT $1, $2, $3, $4::jsonb, $5, $5 WHERE NOT EXISTS (SELECT FROM same);

-- name: note_try
INSERT INTO outside_try (code, register, tried, silent) VALUES ($1, $2, $3, $4)
ON CONFLICT (code, register) DO UPDATE SET tried = excluded.tried, silent = excluded.silent;

-- name: claim
-- Firms registered whose registers were asked before $1 (silent ones before $2) or never: taken by this process at $3.
WITH due AS (
    SELECT o.uscc AS code, s.org_id FROM supplier s JOIN organisation o ON o.id = s.org_id
    WHERE s.status IN ('reviewing', 'provisional', 'active') AND length(o.uscc) = 18 AND (
        (SELECT count(*) FROM outside_try t WHERE t.code = o.uscc) < 4
        OR EXISTS (SELECT FROM outside_try t WHERE t.code = o.uscc AND (t.tried < $1 OR (t.silent AND t.tried < $2))))
    ORDER BY s.org_id LIMIT $4 FOR UPDATE OF s SKIP LOCKED
), taken AS (
    INSERT INTO outside_try (code, register, tried, silent)
    SELECT due.code, r, $3, true FROM due, unnest($5::text[]) AS r ORDER BY 1, 2
    ON CONFLICT (code, register) DO UPDATE SET tried = excluded.tried, silent = true
)
SELECT org_id, code FROM due;

-- name: history
SELECT register, outcome, content, since, seen FROM outside_answer WHERE code = $1 ORDER BY id DESC LIMIT 100;
