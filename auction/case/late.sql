-- Queries for bids that come after the live store has let their lot go.

-- name: events_until
SELECT body::text AS body FROM lot_event WHERE lot_id = $1 AND n <= $2 ORDER BY n;

-- name: late_bid
-- A settled lot, and the bid that bidder $2 was told is taken under request id $3.
SELECT l.rules, e.n, (e.body ->> 'price')::bigint AS price
FROM result r JOIN lot l ON l.id = r.lot_id
LEFT JOIN lot_event e ON e.lot_id = l.id AND e.kind = 'bid' AND e.body ->> 'rid' = $3 AND e.body ->> 'who' = $2
WHERE r.lot_id = $1;
