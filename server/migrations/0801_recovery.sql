-- 核对: lots whose live record contradicts what was signed of it; what was put back, and which two persons let them go on.

ALTER TABLE lot DROP CONSTRAINT lot_held_by_check;
ALTER TABLE lot ADD CONSTRAINT lot_held_by_check CHECK (held_by IN ('supervisor', 'host', 'record'));

CREATE TABLE lot_contradiction (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    lot_id uuid NOT NULL REFERENCES lot (id),
    found_at timestamptz NOT NULL,
    why text NOT NULL,                          -- for the operator, in English
    put_back integer,                           -- positions rewritten from the transcript; null: not whole, see fault
    fault text NOT NULL DEFAULT '',
    asked_by uuid REFERENCES person (id),
    asked_at timestamptz,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
    released_by uuid REFERENCES person (id) CHECK (released_by <> asked_by),
    released_at timestamptz,
    CHECK ((released_at IS NULL) OR (asked_at IS NOT NULL AND put_back IS NOT NULL))
);
CREATE UNIQUE INDEX lot_contradiction_open_once ON lot_contradiction (lot_id) WHERE released_at IS NULL;
