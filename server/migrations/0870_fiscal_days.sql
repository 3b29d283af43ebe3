-- What came of a day's comparison with a fiscal system 日对账, kept because it waits for a person until somebody settles it.

SET LOCAL lock_timeout = '5s';

CREATE TABLE fiscal_day (
    peer text NOT NULL REFERENCES fiscal_peer (name),
    day date NOT NULL,
    type text NOT NULL CHECK (type IN ('statement', 'statement.heard')),
    differences integer NOT NULL CHECK (differences >= 0),
    silent boolean NOT NULL DEFAULT false,      -- the day is over, and no statement came
    found_at timestamptz NOT NULL,
    settled_by uuid REFERENCES person (id),
    settled_at timestamptz,
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    PRIMARY KEY (peer, day, type),
    CHECK ((settled_by IS NULL) = (settled_at IS NULL)),
    CHECK (settled_by IS NULL OR (differences > 0 AND remark <> ''))
);
CREATE INDEX fiscal_day_open ON fiscal_day (peer) WHERE differences > 0 AND settled_at IS NULL;
