-- Payments 支付: applied for by a unit against a contract, approved by a second person, paid or returned by the treasury.

SET LOCAL lock_timeout = '5s';

ALTER TABLE plan_use ADD COLUMN contract_no text NOT NULL DEFAULT '', ADD COLUMN payee text NOT NULL DEFAULT '';

CREATE SEQUENCE payment_number;

CREATE TABLE payment (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    number text NOT NULL UNIQUE,
    request_id text NOT NULL REFERENCES plan_use (request_id),   -- the contract's money
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    org_id uuid NOT NULL REFERENCES organisation (id),
    fen bigint NOT NULL CHECK (fen > 0),
    acceptance_no text NOT NULL CHECK (length(acceptance_no) BETWEEN 1 AND 100),
    about text NOT NULL CHECK (length(about) BETWEEN 1 AND 200),
    state text NOT NULL DEFAULT 'filed' CHECK (state IN ('filed', 'applied', 'paid', 'declined', 'withdrawn', 'returned')),
    filed_by uuid NOT NULL REFERENCES person (id),
    filed_at timestamptz NOT NULL,
    decided_by uuid REFERENCES person (id),
    decided_at timestamptz,
    ended_at timestamptz,
    voucher text NOT NULL DEFAULT '',            -- of the treasury 支付凭证
    why text NOT NULL DEFAULT '',
    CHECK (decided_by IS NULL OR decided_by <> filed_by),
    CHECK ((state IN ('filed', 'withdrawn')) = (decided_by IS NULL)),
    CHECK (state <> 'paid' OR voucher <> '')
);
CREATE INDEX payment_by_request ON payment (request_id);
CREATE INDEX payment_by_org ON payment (org_id, filed_at);

-- From which indicators an application was paid, as they were when it was approved.
CREATE TABLE payment_part (
    payment_id uuid NOT NULL REFERENCES payment (id),
    no smallint NOT NULL,                        -- of the source of the contract's money
    indicator_id uuid NOT NULL REFERENCES indicator (id),
    fen bigint NOT NULL CHECK (fen > 0),
    PRIMARY KEY (payment_id, no)
);
CREATE INDEX payment_part_by_indicator ON payment_part (indicator_id);
