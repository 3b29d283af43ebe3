-- Registrations 入驻申请 of suppliers, agencies and experts: filed by themselves, decided by the place's administrator.

SET LOCAL lock_timeout = '5s';
CREATE TABLE registration (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('supplier', 'agency', 'expert')),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),
    uscc text NOT NULL DEFAULT '',                  -- as filed: the organisation's own is given back when it is refused
    needs_proof boolean NOT NULL DEFAULT false,     -- the code's check character differs: look at the certificate
    categories text[] NOT NULL DEFAULT '{}',
    phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 30),
    filed_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid REFERENCES person (id) CHECK (decided_by <> person_id),
    approved boolean,
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    CHECK ((decided_at IS NULL) = (approved IS NULL))
);
CREATE INDEX registration_waiting ON registration (region text_pattern_ops) WHERE decided_at IS NULL;
CREATE INDEX registration_by_person ON registration (person_id);
