-- name: vehicle
SELECT v.*, o.name AS org_name, vehicle_alerts(v, $2::date) AS alerts_now
FROM vehicle v JOIN organisation o ON o.id = v.org_id WHERE v.id = $1;

-- name: lock_vehicle
SELECT * FROM vehicle WHERE id = $1 FOR UPDATE;

-- name: lock_quota
-- One asks at a time for a unit: the count and the quota hold until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('vehicle_quota:' || $1::uuid, 0));

-- name: room
SELECT vehicle_quota_of($1::uuid, $2::text) AS quota, vehicles_held($1::uuid, $2::text) AS held;

-- name: set_quota
INSERT INTO vehicle_quota (org_id, kind, number, document, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: quotas
-- Units with quotas, of the places $1 or the unit $2, with what each has; words in the name.
SELECT q.org_id, o.name, o.region, q.kind, q.number, q.document, q.set_at, vehicles_held(q.org_id, q.kind) AS held,
       count(*) OVER () AS total
FROM (SELECT DISTINCT ON (org_id, kind) * FROM vehicle_quota ORDER BY org_id, kind, id DESC) q
JOIN organisation o ON o.id = q.org_id
WHERE (q.org_id = $2 OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(o.region, place)))
  AND ($3 = '' OR o.name ILIKE '%' || $3 || '%') AND ($4 = '' OR q.kind = $4)
ORDER BY o.name, q.kind LIMIT $5 OFFSET $6;

-- name: quota_history
SELECT q.*, o.name, p.name AS setter FROM vehicle_quota q JOIN organisation o ON o.id = q.org_id
LEFT JOIN person p ON p.id = q.set_by WHERE q.org_id = ANY ($1::uuid[]) ORDER BY q.id DESC LIMIT 100;

-- name: unit_named
-- A unit by its whole name or credit code.
SELECT id, name, region, kind FROM organisation WHERE (name = $1 OR uscc = upper($1)) AND kind = $2 AND state = 'active';

-- name: add_vehicle
INSERT INTO vehicle (org_id, region, kind, stage, model, price_fen, engine_ml, new_energy, tank_ml, asked_by)
VALUES ($1, $2, $3, 'asked', $4, $5, $6, $7, $8, $9) RETURNING id;

-- name: change_vehicle
UPDATE vehicle SET stage = $2, org_id = $3, region = $4, plate = $5, vin = $6, price_fen = $7, km = $8,
    insured_until = $9 WHERE id = $1;

-- name: set_alerts
UPDATE vehicle SET alerts = $2 WHERE id = $1;

-- name: add_entry
INSERT INTO vehicle_entry (vehicle_id, org_id, what, day, amount_fen, content, point_org_id, made_by, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: entries
SELECT e.*, p.name AS maker, o.name AS unit, f.name AS point FROM vehicle_entry e
JOIN organisation o ON o.id = e.org_id LEFT JOIN person p ON p.id = e.made_by
LEFT JOIN organisation f ON f.id = e.point_org_id WHERE e.vehicle_id = $1 ORDER BY e.id;

-- name: search
-- Vehicles that a reader may see: of the places $1 or the unit $2; a fixed point sees in its places those that it has served,
-- and one whose whole plate it gives.
WITH found AS (
    SELECT v.*, o.name AS org_name, w.whole,
           CASE WHEN w.whole THEN vehicle_alerts(v, $3::date, b.org_id IS NOT NULL) ELSE '{}' END AS alerts_now
    FROM vehicle v JOIN organisation o ON o.id = v.org_id
    LEFT JOIN vehicle_beyond b ON b.org_id = v.org_id AND b.kind = v.kind
    CROSS JOIN LATERAL (SELECT v.org_id = $2 OR EXISTS (
        SELECT FROM unnest($1::text[]) AS place WHERE starts_with(v.region, place)) AS whole) AS w
    WHERE (w.whole OR (v.stage = 'active' AND EXISTS (SELECT FROM vehicle_point p
               WHERE p.org_id = $2 AND starts_with(v.region, p.region) AND p.during @> $3::date)
               AND (v.plate = upper($4) OR EXISTS (SELECT FROM vehicle_entry e WHERE e.vehicle_id = v.id AND e.point_org_id = $2))))
      AND ($4 = '' OR v.plate ILIKE '%' || $4 || '%' OR v.model ILIKE '%' || $4 || '%' OR o.name ILIKE '%' || $4 || '%')
      AND starts_with(v.region, $6)
), one_page AS (
    SELECT *, count(*) OVER () AS total FROM found
    WHERE $5 = '' OR stage = $5 OR kind = $5 OR $5 = ANY (alerts_now) OR ($5 = 'alerted' AND alerts_now <> '{}')
    ORDER BY alerts_now = '{}', plate, id LIMIT $7 OFFSET $8
)
SELECT p.*, (SELECT coalesce(sum(e.amount_fen), 0)::bigint FROM vehicle_entry e
             WHERE e.vehicle_id = p.id AND NOT e.void AND e.what IN ('fuel', 'repair', 'insurance') AND e.day > $3::date - 365
               AND (p.whole OR e.point_org_id = $2)) AS year_fen
FROM one_page p ORDER BY p.alerts_now = '{}', p.plate, p.id;

-- name: serves
SELECT EXISTS (SELECT FROM vehicle_point p WHERE p.org_id = $1 AND p.service = $2 AND starts_with($3, p.region)
               AND p.during @> $4::date);

-- name: points
SELECT p.id, p.org_id, o.name, p.region, p.service, p.contract, lower(p.during) AS begins, upper(p.during) AS ends,
       p.during @> $2::date AS holds
FROM vehicle_point p JOIN organisation o ON o.id = p.org_id
WHERE p.org_id = $3 OR EXISTS (SELECT FROM unnest($1::text[]) AS place
                               WHERE starts_with(p.region, place) OR starts_with(place, p.region))
ORDER BY p.id DESC LIMIT 200;

-- name: add_point
INSERT INTO vehicle_point (org_id, region, service, during, contract, set_by, set_at)
VALUES ($1, $2, $3, daterange($4, $5), $6, $7, $8);

-- name: lock_point
SELECT * FROM vehicle_point WHERE id = $1 FOR UPDATE;

-- name: end_point
-- From $2 on it holds no more; one that has not begun yet holds its first day.
UPDATE vehicle_point SET during = daterange(lower(during), least(upper(during), greatest($2, lower(during) + 1))) WHERE id = $1;

-- name: statistics
-- What each unit's vehicles, those disposed of since as well, cost in the year before $3, the dearest first, one page of units with $4 in their name; the sums of all.
WITH cost AS (
    SELECT e.vehicle_id, coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'fuel'), 0) AS fuel,
           coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'repair'), 0) AS repair,
           coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'insurance'), 0) AS insurance
    FROM vehicle_entry e WHERE e.day > $3::date - 365 AND NOT e.void GROUP BY e.vehicle_id
), seen AS (
    SELECT v.org_id, v.stage = 'active' AS active, vehicle_alerts(v, $3::date, b.org_id IS NOT NULL) <> '{}' AS alerted, coalesce(c.fuel, 0) AS fuel,
           coalesce(c.repair, 0) AS repair, coalesce(c.insurance, 0) AS insurance
    FROM vehicle v LEFT JOIN cost c ON c.vehicle_id = v.id
    LEFT JOIN vehicle_beyond b ON b.org_id = v.org_id AND b.kind = v.kind
    WHERE v.stage IN ('active', 'disposed')
      AND (v.org_id = $2 OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(v.region, place)))
), units AS (
    SELECT o.id, o.name, count(*) FILTER (WHERE active) AS vehicles, sum(fuel)::bigint AS fuel, sum(repair)::bigint AS repair,
           sum(insurance)::bigint AS insurance, count(*) FILTER (WHERE alerted) AS alerted
    FROM seen JOIN organisation o ON o.id = seen.org_id WHERE $4 = '' OR o.name ILIKE '%' || $4 || '%' GROUP BY o.id, o.name
)
SELECT *, count(*) OVER () AS total, sum(vehicles) OVER ()::bigint AS all_vehicles, sum(alerted) OVER ()::bigint AS all_alerted,
       sum(fuel) OVER ()::bigint AS all_fuel, sum(repair) OVER ()::bigint AS all_repair, sum(insurance) OVER ()::bigint AS all_insurance,
       max(fuel + repair + insurance) OVER ()::bigint AS most
FROM units ORDER BY fuel + repair + insurance DESC, name, id LIMIT $5 OFFSET $6;

-- name: months_of_all
-- What the vehicles of the places $1 and the unit $2 cost in each of the twelve months to $3.
SELECT to_char(m, 'YYYY-MM') AS month, coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'fuel'), 0)::bigint AS fuel,
       coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'repair'), 0)::bigint AS repair,
       coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'insurance'), 0)::bigint AS insurance
FROM generate_series(date_trunc('month', $3::date) - interval '11 months', date_trunc('month', $3::date), interval '1 month') m
LEFT JOIN (
    SELECT e.day, e.what, e.amount_fen FROM vehicle_entry e JOIN vehicle v ON v.id = e.vehicle_id
    WHERE NOT e.void AND e.day > $3::date - 400 AND e.what IN ('fuel', 'repair', 'insurance')
      AND (v.org_id = $2 OR EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(v.region, place)))
) e ON date_trunc('month', e.day) = m GROUP BY m ORDER BY m;

-- name: quota_setter
-- Who set the quota of a kind that holds for a unit.
SELECT set_by FROM vehicle_quota WHERE org_id = $1 AND kind = $2 ORDER BY id DESC LIMIT 1;

-- name: year_of
-- What a vehicle cost in the year before $2; of one fixed point $3 alone.
SELECT coalesce(sum(amount_fen), 0)::bigint FROM vehicle_entry
WHERE vehicle_id = $1 AND NOT void AND what IN ('fuel', 'repair', 'insurance') AND day > $2::date - 365
  AND ($3::uuid IS NULL OR point_org_id = $3);

-- name: months
-- What one vehicle cost in each of the twelve months to $2.
SELECT to_char(m, 'YYYY-MM') AS month,
       coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'fuel'), 0)::bigint AS fuel,
       coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'repair'), 0)::bigint AS repair,
       coalesce(sum(e.amount_fen) FILTER (WHERE e.what = 'insurance'), 0)::bigint AS insurance
FROM generate_series(date_trunc('month', $2::date) - interval '11 months', date_trunc('month', $2::date), interval '1 month') m
LEFT JOIN vehicle_entry e ON e.vehicle_id = $1 AND NOT e.void AND date_trunc('month', e.day) = m GROUP BY m ORDER BY m;

-- name: void
-- An entry of a vehicle that is to count no more: of fuel, repair or insurance, and not void yet.
UPDATE vehicle_entry SET void = true
WHERE id = $1 AND vehicle_id = $2 AND what IN ('fuel', 'repair', 'insurance') AND NOT void RETURNING what, point_org_id;

-- name: same_entry
-- Whether the same was entered already: what, day, amount, firm, kilometres and fuel.
SELECT EXISTS (SELECT FROM vehicle_entry WHERE vehicle_id = $1 AND what = $2 AND day = $3 AND amount_fen = $4 AND point_org_id = $5
    AND coalesce(content->>'km', '') = $6 AND coalesce(content->>'ml', '') = $7 AND NOT void);

-- name: same_wish
-- Whether a unit asks for the same already.
SELECT EXISTS (SELECT FROM vehicle WHERE org_id = $1 AND kind = $2 AND model = $3 AND price_fen = $4 AND stage = 'asked');

-- name: same_point
-- Whether a firm is a fixed point of the place for the service in some of that time already.
SELECT EXISTS (SELECT FROM vehicle_point WHERE org_id = $1 AND region = $2 AND service = $3 AND during && daterange($4, $5));

-- name: dispatched
-- Whether a vehicle is sent somewhere on some of these days already.
SELECT EXISTS (SELECT FROM vehicle_entry WHERE vehicle_id = $1 AND what = 'dispatch'
    AND daterange(day, coalesce(nullif(content->>'until', '')::date, day), '[]') && daterange($2, $3, '[]'));
