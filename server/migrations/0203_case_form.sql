-- What a purchaser has typed into the opening wizard and not submitted yet: nothing is lost between two days.

CREATE TABLE case_form (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    org_id uuid NOT NULL REFERENCES organisation (id),
    person_id uuid NOT NULL REFERENCES person (id),
    auction_id uuid REFERENCES auction (id),    -- the draft it changes, if there is one already
    fields jsonb NOT NULL DEFAULT '{}',         -- by step, then by field, as typed
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX case_form_by_person ON case_form (person_id, changed_at);
