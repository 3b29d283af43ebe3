-- Data elements 数据元, and requests for more of them 基础数据扩展申请.

CREATE TABLE element_request (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    code text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    format text NOT NULL CHECK (length(format) BETWEEN 1 AND 40),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),
    org_id uuid NOT NULL REFERENCES organisation (id),
    asked_by uuid NOT NULL REFERENCES person (id),
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stage text NOT NULL DEFAULT 'asked' CHECK (stage IN ('asked', 'approved', 'rejected')),
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    decided_by uuid REFERENCES person (id) CHECK (decided_by <> asked_by),
    decided_at timestamptz,
    CHECK ((stage = 'asked') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL))
);
-- Of one code there is one request that waits or was approved.
CREATE UNIQUE INDEX element_by_code ON element_request (code) WHERE stage <> 'rejected';
CREATE INDEX element_request_by_time ON element_request (asked_at);
