-- Auctions, their lots and lines; approval, sign-up, offers, motions; the settled record; award, deal, notices.

CREATE SEQUENCE auction_number;

CREATE TABLE auction (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    number text NOT NULL UNIQUE,
    ocid text NOT NULL UNIQUE,
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    org_id uuid NOT NULL REFERENCES organisation (id),
    agency_org_id uuid REFERENCES organisation (id),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    category text NOT NULL DEFAULT '',
    kind text NOT NULL DEFAULT 'goods' CHECK (kind IN ('goods', 'services', 'works')),
    budget_fen bigint NOT NULL DEFAULT 0 CHECK (budget_fen BETWEEN 0 AND 900000000000),
    budget_project text NOT NULL DEFAULT '',
    plan_no text NOT NULL DEFAULT '',
    in_framework boolean NOT NULL DEFAULT false,
    legal_basis text NOT NULL DEFAULT '',
    gate jsonb NOT NULL DEFAULT '{}',           -- what the legal gate derived, with its clause
    rule_set jsonb NOT NULL DEFAULT '{}',       -- the parameters in force when the case began, pinned
    rule_set_sha256 text NOT NULL DEFAULT '',
    notice text NOT NULL DEFAULT '',
    invitation_only boolean NOT NULL DEFAULT false,
    practice boolean NOT NULL DEFAULT false,
    posts text[] NOT NULL DEFAULT '{head}' CHECK (
        cardinality(posts) BETWEEN 1 AND 3 AND posts <@ '{department,finance,head}'::text[]),
    submission smallint NOT NULL DEFAULT 0,     -- how often it was submitted for approval
    signup_from timestamptz,
    opens_at timestamptz,
    published_at timestamptz,
    created_by uuid REFERENCES person (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CHECK (opens_at IS NULL OR signup_from IS NULL OR signup_from < opens_at)
);
CREATE INDEX auction_by_org ON auction (org_id, created_at);
CREATE INDEX auction_by_region ON auction (region text_pattern_ops, created_at);
CREATE INDEX auction_by_agency ON auction (agency_org_id) WHERE agency_org_id IS NOT NULL;
CREATE INDEX auction_by_need ON auction (org_id, category, budget_project);

CREATE TABLE lot (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    auction_id uuid NOT NULL REFERENCES auction (id),
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    org_id uuid NOT NULL REFERENCES organisation (id),
    no integer NOT NULL CHECK (no BETWEEN 1 AND 10000),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    rules jsonb NOT NULL,                       -- auction.model.LotRules
    practice boolean NOT NULL DEFAULT false,
    stage text NOT NULL DEFAULT 'draft' CHECK (stage IN (
        'draft', 'approving', 'scheduled', 'signup', 'running', 'paused', 'closing', 'conformity_review',
        'abnormal_review', 'award_pending', 'buyer_confirm', 'published', 'contracted', 'failed', 'cancelled',
        'rehearsed', 'on_hold')),
    why text NOT NULL DEFAULT '',               -- the reason of a failure, a hold, a cancellation
    held_stage text,
    held_at timestamptz,
    held_due_at timestamptz,
    opens_at timestamptz,
    closes_at timestamptz,
    handed_over_at timestamptz,                 -- when the live store had taken the lot
    due_at timestamptz,                         -- when this lot next needs attention by itself
    entrants jsonb NOT NULL DEFAULT '[]',       -- auction.model.Entrant as handed over
    round_no smallint NOT NULL DEFAULT 1 CHECK (round_no BETWEEN 1 AND 3),
    rerun_of uuid UNIQUE REFERENCES lot (id),
    award_rank integer,
    award_due_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    UNIQUE (auction_id, no),
    CHECK ((stage = 'on_hold') = (held_stage IS NOT NULL))
);
CREATE INDEX lot_by_due ON lot (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lot_by_stage ON lot (stage, opens_at);
CREATE INDEX lot_by_region ON lot (region text_pattern_ops, stage);

CREATE TABLE line (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    lot_id uuid NOT NULL REFERENCES lot (id) ON DELETE CASCADE,
    no integer NOT NULL CHECK (no BETWEEN 1 AND 1000),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    spec text NOT NULL DEFAULT '',
    unit text NOT NULL DEFAULT '',
    quantity numeric(15, 3) NOT NULL CHECK (quantity > 0),
    unit_ceiling_fen bigint CHECK (unit_ceiling_fen > 0),
    UNIQUE (lot_id, no)
);

CREATE TABLE approval (
    auction_id uuid NOT NULL REFERENCES auction (id),
    submission smallint NOT NULL,
    post text NOT NULL CHECK (post IN ('department', 'finance', 'head')),
    decision text NOT NULL CHECK (decision IN ('approved', 'rejected')),
    remark text NOT NULL DEFAULT '',
    decided_by uuid NOT NULL REFERENCES person (id),
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (auction_id, submission, post)
);

CREATE TABLE invitation (
    auction_id uuid NOT NULL REFERENCES auction (id),
    org_id uuid NOT NULL REFERENCES organisation (id),
    PRIMARY KEY (auction_id, org_id)
);

-- One supplier in one auction. A practice auction may have names instead of organisations.
CREATE TABLE signup (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    auction_id uuid NOT NULL REFERENCES auction (id),
    org_id uuid REFERENCES organisation (id),
    name text NOT NULL DEFAULT '',
    alias text NOT NULL CHECK (alias ~ '^[A-Z][0-9]{1,5}$'),
    status text NOT NULL DEFAULT 'admitted' CHECK (status IN ('admitted', 'withdrawn')),
    declarations jsonb NOT NULL DEFAULT '{}',
    deduction_bp integer NOT NULL DEFAULT 0 CHECK (deduction_bp BETWEEN 0 AND 9999),
    created_by uuid REFERENCES person (id),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (auction_id, org_id),
    UNIQUE (auction_id, alias)
);
CREATE INDEX signup_by_org ON signup (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX signup_by_name ON signup (auction_id, name) WHERE org_id IS NULL;

CREATE TABLE offer (
    lot_id uuid NOT NULL REFERENCES lot (id),
    signup_id uuid NOT NULL REFERENCES signup (id),
    brand text NOT NULL DEFAULT '',
    model text NOT NULL DEFAULT '',
    response jsonb NOT NULL DEFAULT '[]',       -- parameter by parameter
    delivery text NOT NULL DEFAULT '',
    declarations jsonb NOT NULL DEFAULT '{}',
    opening_price bigint CHECK (opening_price BETWEEN 1 AND 900000000000),
    conformity text NOT NULL DEFAULT 'pending' CHECK (conformity IN ('pending', 'pass', 'fail')),
    conformity_reason text NOT NULL DEFAULT '',
    conformity_by uuid REFERENCES person (id),
    conformity_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lot_id, signup_id)
);

CREATE TABLE question (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    lot_id uuid NOT NULL REFERENCES lot (id),
    signup_id uuid NOT NULL REFERENCES signup (id),
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answer text,
    answered_by uuid REFERENCES person (id),
    answered_at timestamptz
);
CREATE INDEX question_by_lot ON question (lot_id, asked_at);

-- Two persons: the host proposes with a reason, the head of the unit seconds.
CREATE TABLE motion (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    lot_id uuid NOT NULL REFERENCES lot (id),
    kind text NOT NULL CHECK (kind IN ('pause', 'resume', 'void', 'cancel', 'bar')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    target jsonb NOT NULL DEFAULT '{}',
    proposed_by uuid NOT NULL REFERENCES person (id),
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'seconded', 'declined', 'done', 'failed')),
    decided_by uuid REFERENCES person (id),
    decided_at timestamptz,
    outcome text NOT NULL DEFAULT '',
    CHECK (decided_by IS NULL OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX motion_open_once ON motion (lot_id, kind, target) WHERE state = 'open';
CREATE INDEX motion_by_lot ON motion (lot_id, proposed_at);

-- The settled log, word for word (json keeps the text as it was written).
CREATE TABLE lot_event (
    lot_id uuid NOT NULL REFERENCES lot (id),
    n integer NOT NULL CHECK (n > 0),
    at timestamptz NOT NULL,
    kind text NOT NULL,
    body json NOT NULL,
    PRIMARY KEY (lot_id, n)
);

CREATE TABLE result (
    lot_id uuid PRIMARY KEY REFERENCES lot (id),
    region text NOT NULL,
    org_id uuid NOT NULL REFERENCES organisation (id),
    outcome text NOT NULL,                      -- the stage that settlement led to
    why text NOT NULL DEFAULT '',
    final_n integer NOT NULL,
    log_sha256 text NOT NULL,
    log_chain text NOT NULL,
    rules_sha256 text NOT NULL,
    closed_at timestamptz NOT NULL,
    settled_at timestamptz NOT NULL
);

CREATE TABLE standing (
    lot_id uuid NOT NULL REFERENCES lot (id),
    rank integer NOT NULL CHECK (rank > 0),
    alias text NOT NULL,
    signup_id uuid NOT NULL REFERENCES signup (id),
    price bigint NOT NULL,
    effective bigint NOT NULL,
    n integer NOT NULL,
    at timestamptz NOT NULL,
    detail json,
    valid boolean NOT NULL,
    why_not text NOT NULL DEFAULT '',
    low_price text NOT NULL DEFAULT '' CHECK (low_price IN ('', 'flagged', 'accepted', 'excluded')),
    low_price_note jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (lot_id, rank),
    UNIQUE (lot_id, alias)
);

CREATE TABLE award (
    lot_id uuid NOT NULL REFERENCES lot (id),
    rank integer NOT NULL,
    signup_id uuid NOT NULL REFERENCES signup (id),
    offered_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    answer text CHECK (answer IN ('confirmed', 'refused', 'expired')),
    reason text NOT NULL DEFAULT '',
    answered_by uuid REFERENCES person (id),
    answered_at timestamptz,
    PRIMARY KEY (lot_id, rank)
);

CREATE TABLE deal (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    lot_id uuid NOT NULL UNIQUE REFERENCES lot (id),
    region text NOT NULL,
    org_id uuid NOT NULL REFERENCES organisation (id),
    supplier_org_id uuid NOT NULL REFERENCES organisation (id),
    amount_fen bigint NOT NULL,
    body jsonb NOT NULL,                        -- standards.deal.Deal
    made_at timestamptz NOT NULL,
    contract_no text,
    contracted_at timestamptz
);

CREATE TABLE publication (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    auction_id uuid NOT NULL REFERENCES auction (id),
    lot_id uuid REFERENCES lot (id),
    region text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('notice', 'amendment', 'result', 'failure', 'cancellation')),
    body jsonb NOT NULL,
    sha256 text NOT NULL,
    published_at timestamptz NOT NULL
);
CREATE INDEX publication_by_auction ON publication (auction_id, published_at);

CREATE FUNCTION row_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER lot_event_stays BEFORE UPDATE OR DELETE ON lot_event FOR EACH ROW EXECUTE FUNCTION row_stays();
CREATE TRIGGER result_stays BEFORE UPDATE OR DELETE ON result FOR EACH ROW EXECUTE FUNCTION row_stays();
CREATE TRIGGER publication_stays BEFORE UPDATE OR DELETE ON publication FOR EACH ROW EXECUTE FUNCTION row_stays();
