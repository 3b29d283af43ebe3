-- Official vehicles 公务用车库: quotas of units, one record a vehicle from the purchase asked for to its disposal, everything
-- that happened to it, the fixed points 定点 that fuel, repair and insure.

SET LOCAL lock_timeout = '5s';

-- How many vehicles of a kind a unit may have 编制: the newest row holds.
CREATE TABLE vehicle_quota (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    kind text NOT NULL CHECK (kind IN ('secret', 'emergency', 'enforcement', 'special')),
    number integer NOT NULL CHECK (number BETWEEN 0 AND 10000),
    document text NOT NULL CHECK (length(document) BETWEEN 1 AND 200),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL
);
CREATE INDEX vehicle_quota_by_org ON vehicle_quota (org_id, kind, id DESC);

CREATE TABLE vehicle (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),
    kind text NOT NULL CHECK (kind IN ('secret', 'emergency', 'enforcement', 'special')),
    stage text NOT NULL CHECK (stage IN ('asked', 'refused', 'approved', 'active', 'disposed')),
    model text NOT NULL CHECK (length(model) BETWEEN 1 AND 100),
    plate text NOT NULL DEFAULT '' CHECK (length(plate) <= 10),
    vin text NOT NULL DEFAULT '' CHECK (length(vin) <= 17),
    price_fen bigint NOT NULL CHECK (price_fen > 0),
    engine_ml integer NOT NULL CHECK (engine_ml BETWEEN 0 AND 20000),
    new_energy boolean NOT NULL,
    tank_ml integer NOT NULL DEFAULT 0 CHECK (tank_ml BETWEEN 0 AND 2000000),
    insured_until date,
    km integer NOT NULL DEFAULT 0 CHECK (km >= 0),
    alerts text[] NOT NULL DEFAULT '{}',               -- as registries/vehicles/rules.py found at the last entry
    asked_by uuid REFERENCES person (id)
);
CREATE UNIQUE INDEX vehicle_plate ON vehicle (plate) WHERE plate <> '' AND stage = 'active';
CREATE UNIQUE INDEX vehicle_vin ON vehicle (vin) WHERE vin <> '' AND stage = 'active';
CREATE INDEX vehicle_by_org ON vehicle (org_id, kind);
CREATE INDEX vehicle_by_region ON vehicle (region text_pattern_ops);

-- What happened to a vehicle, never changed. amount_fen: what it cost; content: the rest, with what it changed.
CREATE TABLE vehicle_entry (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    vehicle_id uuid NOT NULL REFERENCES vehicle (id),
    org_id uuid NOT NULL REFERENCES organisation (id),   -- the unit that had it
    what text NOT NULL CHECK (what IN ('ask', 'approve', 'refuse', 'register', 'transfer', 'dispose', 'dispatch', 'fuel', 'repair',
                                       'insurance', 'clear')),
    day date NOT NULL,
    amount_fen bigint NOT NULL DEFAULT 0 CHECK (amount_fen >= 0),
    content jsonb NOT NULL DEFAULT '{}',
    point_org_id uuid REFERENCES organisation (id),      -- the fixed point that served it
    made_by uuid REFERENCES person (id),
    made_at timestamptz NOT NULL
);
CREATE INDEX vehicle_entry_by_vehicle ON vehicle_entry (vehicle_id, id);
CREATE INDEX vehicle_entry_by_org ON vehicle_entry (org_id, day);

-- The fixed points 定点 of a place, from their agreements.
CREATE TABLE vehicle_point (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{1,5}$'),  -- a beginning of the codes it serves
    service text NOT NULL CHECK (service IN ('fuel', 'repair', 'insurance')),
    during daterange NOT NULL,
    contract text NOT NULL CHECK (length(contract) BETWEEN 1 AND 100),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL,
    CHECK (NOT isempty(during))
);
CREATE INDEX vehicle_point_by_org ON vehicle_point (org_id);

CREATE FUNCTION vehicle_quota_of(org uuid, sort text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT number FROM vehicle_quota WHERE org_id = org AND kind = sort ORDER BY id DESC LIMIT 1), 0)
$$;
-- How many a unit has or has asked for.
CREATE FUNCTION vehicles_held(org uuid, sort text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT count(*)::integer FROM vehicle WHERE org_id = org AND kind = sort AND stage IN ('asked', 'approved', 'active')
$$;
-- The alerts of a vehicle on a day: those its entries raised, and those that days and quotas raise.
CREATE FUNCTION vehicle_alerts(v vehicle, today date) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN v.stage <> 'active' THEN '{}' ELSE v.alerts
        || CASE WHEN coalesce(v.insured_until <= today, true) THEN ARRAY['uninsured'] ELSE '{}' END
        || CASE WHEN vehicles_held(v.org_id, v.kind) > vehicle_quota_of(v.org_id, v.kind) THEN ARRAY['no_quota'] ELSE '{}' END
    END
$$;

CREATE VIEW todo_of_vehicles AS
SELECT 'vehicle:' || v.id AS key, 'vehicle_ask' AS kind, '{}'::uuid[] AS org_ids, '{supervisor}'::text[] AS roles,
       'vehicle.approve' AS act, NULL::uuid AS person_id, ARRAY[v.asked_by] AS not_persons, v.region, v.id AS object_id,
       v.model AS title, o.name AS number, NULL::timestamptz AS until, '/vehicles/' || v.id AS path
FROM vehicle v JOIN organisation o ON o.id = v.org_id WHERE v.stage = 'asked'
UNION ALL
SELECT 'vehicle_alert:' || v.id, 'vehicle_alert', '{}', '{supervisor}', 'vehicle.approve', NULL, '{}', v.region, v.id,
       v.plate, o.name, NULL, '/vehicles/' || v.id
FROM vehicle v JOIN organisation o ON o.id = v.org_id WHERE v.stage = 'active' AND v.alerts <> '{}';
SELECT gather_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON vehicle FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
