-- name: params_of
-- Every value set in a place or above it, whenever in force.
SELECT key, region, lower(during) AS valid_from, upper(during) AS valid_to, value, source
FROM rule_param WHERE starts_with($1, region) ORDER BY key, region, valid_from;

-- name: all_params
SELECT key, region, lower(during) AS valid_from, upper(during) AS valid_to, value, source FROM rule_param;

-- name: params_in_force
SELECT key, region, lower(during) AS valid_from, upper(during) AS valid_to, value, source
FROM rule_param WHERE starts_with($1, region) AND during @> $2::date;

-- name: lock_param
SELECT pg_advisory_xact_lock(hashtextextended($1, 0));

-- name: drop_param_from_that_day
DELETE FROM rule_param WHERE key = $1 AND region = $2 AND lower(during) = $3;

-- name: end_param
UPDATE rule_param SET during = daterange(lower(during), $3)
WHERE key = $1 AND region = $2 AND during @> $3::date AND lower(during) < $3;

-- name: next_param
SELECT min(lower(during)) FROM rule_param WHERE key = $1 AND region = $2 AND lower(during) > $3;

-- name: add_param
INSERT INTO rule_param (key, region, during, value, source, set_by)
VALUES ($1, $2, daterange($3, $4), $5, $6, $7);

-- name: calendars
SELECT year, off, make_up FROM work_calendar ORDER BY year;

-- name: set_calendar
INSERT INTO work_calendar (year, off, make_up, source, set_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (year) DO UPDATE
SET off = excluded.off, make_up = excluded.make_up, source = excluded.source, set_by = excluded.set_by, set_at = now();

-- name: categories
SELECT code, name FROM category ORDER BY code;

-- name: category_rules
SELECT region, code, catalogued, batch, lower(during) AS valid_from, upper(during) AS valid_to, source
FROM category_rule WHERE starts_with($1, region) AND during @> $2::date;

-- name: set_category
INSERT INTO category (code, name) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET name = excluded.name;

-- name: add_category_rule
INSERT INTO category_rule (region, code, during, catalogued, batch, source, set_by)
VALUES ($1, $2, daterange($3, $4), $5, $6, $7, $8);

-- name: regions
SELECT code, name FROM region;

-- name: set_region
INSERT INTO region (code, name) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET name = excluded.name;

-- name: tell_regions
SELECT pg_notify('region', '');

-- name: switches
-- The switches of modules that were ever set, anywhere.
SELECT key, region, lower(during) AS valid_from, upper(during) AS valid_to, value, source
FROM rule_param WHERE starts_with(key, 'module.');

-- name: tell_switches
SELECT pg_notify('module', '');
