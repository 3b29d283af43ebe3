-- Agencies 代理机构库: dossiers in versions, checked and published where the agency is at home; marks that authorities set
-- (bans, violations, complaints, commendations); appraisals by purchasers; what each did.

SET LOCAL lock_timeout = '5s';

CREATE TABLE agency (
    org_id uuid PRIMARY KEY REFERENCES organisation (id),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),
    status text NOT NULL CHECK (status IN ('draft', 'reviewing', 'active', 'closed')),
    uscc_proven boolean NOT NULL DEFAULT false,
    registered_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX agency_by_region ON agency (region text_pattern_ops);

-- Those that were let in before there was a registry go on.
INSERT INTO agency (org_id, region, status)
SELECT id, region, 'active' FROM organisation WHERE kind = 'agency' AND state = 'active';

CREATE TABLE agency_filing (LIKE supplier_filing INCLUDING ALL);
ALTER TABLE agency_filing
    ADD FOREIGN KEY (org_id) REFERENCES organisation (id),
    ADD FOREIGN KEY (filed_by) REFERENCES person (id),
    ADD FOREIGN KEY (decided_by) REFERENCES person (id);

-- What an authority decided of an agency. A ban holds through its days; points are taken from its credit as long.
CREATE TABLE agency_mark (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES agency (org_id),
    kind text NOT NULL CHECK (kind IN ('ban', 'violation', 'complaint', 'commendation')),
    during daterange NOT NULL,
    points integer NOT NULL DEFAULT 0 CHECK (points BETWEEN -20 AND 100),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    authority text NOT NULL CHECK (length(authority) BETWEEN 1 AND 200),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL DEFAULT now(),
    ended_by uuid REFERENCES person (id),
    ended_why text NOT NULL DEFAULT '' CHECK (length(ended_why) <= 500),
    CHECK (NOT isempty(during) OR ended_by IS NOT NULL)
);
CREATE INDEX agency_mark_by_org ON agency_mark (org_id);

-- One appraisal 评价 a case, by the purchaser it ran for, from 1 to 5 each.
CREATE TABLE agency_appraisal (
    auction_id uuid PRIMARY KEY REFERENCES auction (id),
    org_id uuid NOT NULL REFERENCES agency (org_id),
    buyer_org_id uuid NOT NULL REFERENCES organisation (id),
    competence smallint NOT NULL CHECK (competence BETWEEN 1 AND 5),
    speed smallint NOT NULL CHECK (speed BETWEEN 1 AND 5),
    service smallint NOT NULL CHECK (service BETWEEN 1 AND 5),
    integrity smallint NOT NULL CHECK (integrity BETWEEN 1 AND 5),
    words text NOT NULL DEFAULT '' CHECK (length(words) <= 500),
    given_by uuid NOT NULL REFERENCES person (id),
    given_at timestamptz NOT NULL
);
CREATE INDEX agency_appraisal_by_org ON agency_appraisal (org_id);

-- Where an agency stands on a day; registries/agencies/rules.py says the same.
CREATE FUNCTION agency_standing(a agency, today date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN a.status = 'closed' THEN 'closed'
        WHEN EXISTS (SELECT FROM agency_mark m WHERE m.org_id = a.org_id AND m.kind = 'ban' AND m.during @> today) THEN 'banned'
        ELSE a.status END
$$;

-- What it ran that is over, from the auctions' own record.
CREATE VIEW agency_activity AS
SELECT a.agency_org_id AS org_id, a.id AS auction_id, l.id AS lot_id, l.title, a.number, a.org_id AS buyer_org_id,
       b.name AS buyer_name, l.stage, r.closed_at, d.amount_fen, d.contracted_at
FROM auction a JOIN lot l ON l.auction_id = a.id JOIN organisation b ON b.id = a.org_id
LEFT JOIN result r ON r.lot_id = l.id LEFT JOIN deal d ON d.lot_id = l.id
WHERE a.agency_org_id IS NOT NULL AND NOT a.practice AND l.stage IN ('published', 'contracted', 'failed', 'cancelled');

-- What waits: a filing for finance at home, a returned one for the agency.
CREATE VIEW todo_of_agencies AS
SELECT 'agency:' || f.id AS key, 'agency_filing' AS kind, '{}'::uuid[] AS org_ids, '{supervisor}'::text[] AS roles,
       'agency.review' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, f.region, f.id AS object_id,
       o.name AS title, coalesce(o.uscc, '') AS number, NULL::timestamptz AS until, '/agencies/filings/' || f.id AS path
FROM agency_filing f JOIN organisation o ON o.id = f.org_id WHERE f.stage = 'filed'
UNION ALL
SELECT 'agency_correction:' || f.id, 'agency_correction', ARRAY[f.org_id], '{agency}', 'agency.file', NULL, '{}', f.region, f.id,
       o.name, coalesce(o.uscc, ''), NULL, '/agencies/own'
FROM agency_filing f JOIN organisation o ON o.id = f.org_id
WHERE f.stage = 'returned' AND NOT EXISTS (SELECT FROM agency_filing g WHERE g.org_id = f.org_id AND g.no > f.no);
SELECT gather_todo();

CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON agency_filing FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
