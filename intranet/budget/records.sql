-- name: books_shared
-- Whoever posts; they wait for one who closes a year, and he for them.
SELECT pg_advisory_xact_lock_shared(hashtextextended('budget books', 0));

-- name: books_alone
SELECT pg_advisory_xact_lock(hashtextextended('budget books', 0));

-- name: lock_request
SELECT pg_advisory_xact_lock(hashtextextended('budget request ' || $1, 0));

-- name: balances_locked
-- In one order for everybody, so that no two wait for each other.
SELECT * FROM indicator WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE;

-- name: balances
SELECT * FROM indicator WHERE id = ANY ($1::uuid[]);

-- name: next_number
SELECT nextval('indicator_number');

-- name: add_indicator
INSERT INTO indicator (number, region, org_id, year, fund_source, project, carried_from)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id;

-- name: add_posting
INSERT INTO budget_posting (entry_id, indicator_id, kind, debit, credit, amount_fen, about, person_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: hold
SELECT * FROM budget_hold WHERE request_id = $1;

-- name: hold_sources
SELECT indicator_id, held_fen FROM budget_hold_source WHERE request_id = $1 ORDER BY no;

-- name: add_hold
INSERT INTO budget_hold (request_id, asked, expires_at, made_at) VALUES ($1, $2, $3, $4);

-- name: add_hold_source
INSERT INTO budget_hold_source (request_id, no, indicator_id, held_fen) VALUES ($1, $2, $3, $4);

-- name: reduce_hold_source
UPDATE budget_hold_source SET held_fen = $3 WHERE request_id = $1 AND indicator_id = $2;

-- name: end_hold
UPDATE budget_hold SET state = $2, ended_at = $3 WHERE request_id = $1;

-- name: holds_expired
SELECT request_id FROM budget_hold WHERE state = 'held' AND expires_at <= $1 ORDER BY expires_at LIMIT $2;

-- name: hand_holds_on
UPDATE budget_hold_source SET indicator_id = $2 WHERE indicator_id = $1;

-- name: close_indicator
UPDATE indicator SET closed_at = $2 WHERE id = $1;

-- name: heir_of
SELECT id FROM indicator WHERE carried_from = $1;

-- name: open_of_year
SELECT id FROM indicator WHERE year = $1 AND starts_with(region, $2) AND closed_at IS NULL ORDER BY id;

-- name: indicator
SELECT i.*, o.name AS org_name FROM indicator i JOIN organisation o ON o.id = i.org_id WHERE i.id = $1;

-- name: postings_of
SELECT p.*, w.name AS person_name FROM budget_posting p LEFT JOIN person w ON w.id = p.person_id
WHERE p.indicator_id = $1 ORDER BY p.id DESC LIMIT $2;

-- name: found
-- Indicators a reader may see: of his unit ($1), or of the places he watches ($2).
SELECT i.*, o.name AS org_name, count(*) OVER () AS total
FROM indicator i JOIN organisation o ON o.id = i.org_id
WHERE (i.org_id = $1 OR EXISTS (SELECT 1 FROM unnest($2::text[]) AS place WHERE starts_with(i.region, place)))
  AND ($3 = '' OR i.number ILIKE '%' || $3 || '%' OR i.project ILIKE '%' || $3 || '%' OR o.name ILIKE '%' || $3 || '%')
  AND ($4::int = 0 OR i.year = $4) AND ($5 = '' OR i.fund_source = $5)
ORDER BY i.year DESC, i.number LIMIT $6 OFFSET $7;

-- name: disagreeing
-- Indicators whose balances are not the sum of their postings, or whose held money is not what is frozen. None, ever.
WITH sums AS (
    SELECT i.id, sum(posted('available', p)) AS available, sum(posted('frozen', p)) AS frozen,
           sum(posted('consumed', p)) AS consumed, sum(posted('paying', p)) AS paying,
           sum(posted('paid', p)) AS paid, sum(posted('carried', p)) AS carried
    FROM indicator i LEFT JOIN budget_posting p ON p.indicator_id = i.id GROUP BY i.id
), held AS (
    SELECT s.indicator_id, sum(s.held_fen) AS fen FROM budget_hold_source s
    JOIN budget_hold h USING (request_id) WHERE h.state = 'held' GROUP BY 1
)
SELECT i.id, i.number FROM indicator i JOIN sums USING (id) LEFT JOIN held ON held.indicator_id = i.id
WHERE (i.available_fen, i.frozen_fen, i.consumed_fen, i.paying_fen, i.paid_fen, i.carried_fen)
      IS DISTINCT FROM (coalesce(available, 0), coalesce(sums.frozen, 0), coalesce(sums.consumed, 0),
                        coalesce(sums.paying, 0), coalesce(sums.paid, 0), coalesce(sums.carried, 0))
   OR i.frozen_fen <> coalesce(held.fen, 0);

-- name: unit
-- A purchasing unit an indicator may be granted to, by its number.
SELECT id, name, region FROM organisation WHERE kind = 'buyer' AND id::text = $2
  AND EXISTS (SELECT 1 FROM unnest($1::text[]) AS place WHERE starts_with(region, place));

-- name: units
-- Purchasing units an indicator may be granted to, as a list to choose from.
SELECT id, name, region FROM organisation WHERE kind = 'buyer'
  AND EXISTS (SELECT 1 FROM unnest($1::text[]) AS place WHERE starts_with(region, place)) ORDER BY name LIMIT 10000;
