-- The file of a supplier 供应商档案: every version it filed, decided where it is at home. A sound code and a pledge give
-- provisional standing at once. Suppliers no longer wait for the administrator of accounts.

SET LOCAL lock_timeout = '5s';
ALTER TABLE supplier DROP CONSTRAINT supplier_status_check;
ALTER TABLE supplier ADD CONSTRAINT supplier_status_check
    CHECK (status IN ('draft', 'reviewing', 'provisional', 'active', 'limited', 'closed'));

CREATE TABLE supplier_filing (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    no integer NOT NULL CHECK (no >= 1),                   -- 1, 2, ... of the supplier
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),  -- its home, as filed: there it is decided
    content jsonb NOT NULL,                                -- the dossier, complete
    pledged boolean NOT NULL,                              -- 承诺函
    needs_proof boolean NOT NULL,                          -- the code's check character differs: look at the certificate
    stage text NOT NULL DEFAULT 'filed' CHECK (stage IN ('filed', 'approved', 'returned', 'replaced')),
    filed_at timestamptz NOT NULL,
    filed_by uuid REFERENCES person (id),
    decided_at timestamptz,
    decided_by uuid REFERENCES person (id) CHECK (decided_by <> filed_by),
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    UNIQUE (org_id, no),
    CHECK ((stage IN ('approved', 'returned')) = (decided_at IS NOT NULL)),
    CHECK (stage <> 'returned' OR remark <> '')
);
CREATE UNIQUE INDEX supplier_filing_one_waits ON supplier_filing (org_id) WHERE stage = 'filed';
CREATE INDEX supplier_filing_waiting ON supplier_filing (region text_pattern_ops) WHERE stage = 'filed';

-- The key of head keys 身份标识: made once, kept sealed by the site's secret, so that a stolen table tells nobody's number.
CREATE TABLE supplier_secret (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sealed bytea NOT NULL
);

-- Registrations of suppliers that waited: they are reviewed as filings now.
INSERT INTO supplier (org_id, region, status, categories)
SELECT r.org_id, r.region, 'reviewing', r.categories
FROM registration r WHERE r.kind = 'supplier' AND r.decided_at IS NULL
ON CONFLICT (org_id) DO NOTHING;
INSERT INTO supplier_filing (org_id, no, region, content, pledged, needs_proof, filed_at, filed_by)
SELECT r.org_id, 1, r.region, jsonb_build_object(
    'name', o.name, 'uscc', r.uscc, 'region', r.region, 'categories', to_jsonb(r.categories), 'contact', p.name,
    'phone', r.phone), false, r.needs_proof, r.filed_at, r.person_id
FROM registration r JOIN organisation o ON o.id = r.org_id JOIN person p ON p.id = r.person_id
WHERE r.kind = 'supplier' AND r.decided_at IS NULL;
INSERT INTO role_grant (person_id, role, region, org_id)
SELECT r.person_id, 'supplier', r.region, r.org_id
FROM registration r WHERE r.kind = 'supplier' AND r.decided_at IS NULL;
UPDATE organisation SET state = 'active'
WHERE state = 'waiting' AND id IN (SELECT org_id FROM registration WHERE kind = 'supplier' AND decided_at IS NULL);
DELETE FROM registration WHERE kind = 'supplier' AND decided_at IS NULL;

-- What waits: a filing for finance where the supplier is at home, a returned one for the supplier.
CREATE VIEW todo_of_suppliers AS
SELECT 'supplier:' || f.id AS key, 'supplier_filing' AS kind, '{}'::uuid[] AS org_ids, '{supervisor}'::text[] AS roles,
       'supplier.review' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, f.region, f.id AS object_id,
       o.name AS title, coalesce(o.uscc, '') AS number, NULL::timestamptz AS until, '/suppliers/filings/' || f.id AS path
FROM supplier_filing f JOIN organisation o ON o.id = f.org_id WHERE f.stage = 'filed'
UNION ALL
SELECT 'correction:' || f.id, 'supplier_correction', ARRAY[f.org_id], '{supplier}', 'supplier.file', NULL, '{}', f.region, f.id,
       o.name, coalesce(o.uscc, ''), NULL, '/suppliers/own'
FROM supplier_filing f JOIN organisation o ON o.id = f.org_id
WHERE f.stage = 'returned' AND NOT EXISTS (SELECT FROM supplier_filing g WHERE g.org_id = f.org_id AND g.no > f.no);

CREATE OR REPLACE VIEW todo_waiting AS
SELECT * FROM todo_of_approvals UNION ALL SELECT * FROM todo_of_cases UNION ALL SELECT * FROM todo_of_sealing
UNION ALL SELECT * FROM todo_of_accounts UNION ALL SELECT * FROM todo_of_suppliers;

CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON supplier_filing
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
