-- What outside registers 外部登记 said of a firm: each answer once, with the time it was first and last heard; and what
-- came to light after a firm was registered, for the reviewer of its home.

SET LOCAL lock_timeout = '5s';

CREATE TABLE outside_answer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (length(code) = 18),
    register text NOT NULL CHECK (register IN ('firm', 'tax', 'social', 'credit')),
    outcome text NOT NULL CHECK (outcome IN ('found', 'unknown')),
    content jsonb CHECK ((outcome = 'found') = (content IS NOT NULL)),
    since timestamptz NOT NULL,
    seen timestamptz NOT NULL CHECK (seen >= since)
);
CREATE INDEX outside_answer_last ON outside_answer (code, register, id DESC);

-- When a register was last tried for a firm, and whether it was silent then.
CREATE TABLE outside_try (
    code text NOT NULL,
    register text NOT NULL,
    tried timestamptz NOT NULL,
    silent boolean NOT NULL,
    PRIMARY KEY (code, register)
);

CREATE TABLE supplier_doubt (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES supplier (org_id),
    doubt text NOT NULL,
    found_at timestamptz NOT NULL,
    over_at timestamptz,                                    -- the registers say it no more
    seen_at timestamptz,
    seen_by uuid REFERENCES person (id),
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    CHECK ((seen_at IS NULL) = (seen_by IS NULL)),
    CHECK (seen_at IS NULL OR remark <> '')
);
CREATE UNIQUE INDEX supplier_doubt_one ON supplier_doubt (org_id, doubt) WHERE over_at IS NULL;

CREATE VIEW todo_of_doubts AS
SELECT 'supplier_doubt:' || d.org_id AS key, 'supplier_doubt' AS kind, '{}'::uuid[] AS org_ids, '{supervisor}'::text[] AS roles,
       'supplier.review' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, s.region, d.org_id AS object_id,
       o.name AS title, coalesce(o.uscc, '') AS number, NULL::timestamptz AS until, '/suppliers/' || d.org_id AS path
FROM supplier_doubt d JOIN supplier s ON s.org_id = d.org_id JOIN organisation o ON o.id = d.org_id
WHERE d.over_at IS NULL AND d.seen_at IS NULL AND s.status <> 'closed'
GROUP BY d.org_id, s.region, o.name, o.uscc;
SELECT gather_todo();

CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON supplier_doubt FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
