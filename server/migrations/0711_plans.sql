-- Procurement plans 采购计划, the indicators they draw on, and what the cases that carry them out hold.

CREATE SEQUENCE plan_number;

CREATE TABLE plan (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    number text NOT NULL UNIQUE,
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    org_id uuid NOT NULL REFERENCES organisation (id),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    category text NOT NULL CHECK (category ~ '^[ABC][0-9]{8}$'),
    method text NOT NULL CHECK (method IN ('open_tender', 'invited_tender', 'negotiation', 'consultation', 'inquiry',
        'single_source', 'framework', 'mall')),
    project text NOT NULL DEFAULT '' CHECK (length(project) <= 100),
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 900000000000),
    small_share_bp integer NOT NULL CHECK (small_share_bp BETWEEN 0 AND 10000),
    small_reason text NOT NULL DEFAULT '' CHECK (length(small_reason) <= 500),
    approval_no text NOT NULL DEFAULT '' CHECK (length(approval_no) <= 100),
    watches jsonb NOT NULL DEFAULT '[]',        -- intranet.plans.model.Finding: what the head must see
    state text NOT NULL DEFAULT 'filed' CHECK (state IN ('filed', 'approved', 'returned', 'withdrawn')),
    filed_by uuid NOT NULL REFERENCES person (id),
    filed_at timestamptz NOT NULL,
    decided_by uuid REFERENCES person (id),
    decided_at timestamptz,
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    CHECK (decided_by IS NULL OR decided_by <> filed_by),
    CHECK ((state IN ('approved', 'returned')) = (decided_by IS NOT NULL))
);
CREATE INDEX plan_by_org ON plan (org_id, filed_at);
CREATE INDEX plan_by_region ON plan (region text_pattern_ops, filed_at);

CREATE TABLE plan_source (
    plan_id uuid NOT NULL REFERENCES plan (id),
    no smallint NOT NULL,
    indicator_id uuid NOT NULL REFERENCES indicator (id),
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (plan_id, no),
    UNIQUE (plan_id, indicator_id)
);
CREATE INDEX plan_source_by_indicator ON plan_source (indicator_id);

-- What carries a plan out: a hold of the budget for each lot.
CREATE TABLE plan_use (
    request_id text PRIMARY KEY REFERENCES budget_hold (request_id),
    plan_id uuid NOT NULL REFERENCES plan (id),
    case_id uuid NOT NULL,
    used_at timestamptz NOT NULL
);
CREATE INDEX plan_use_by_plan ON plan_use (plan_id);
