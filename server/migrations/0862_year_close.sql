-- The close of a year 年终结转: proposed by one person of finance, carried out by another, never undone.

SET LOCAL lock_timeout = '5s';

CREATE TABLE year_close (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    place text NOT NULL CHECK (place ~ '^([1-9][0-9]([0-9]{2}){0,2})?$'),  -- the indicators of it and all in it
    year smallint NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    carry boolean NOT NULL,                     -- whether what is free goes on too
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'done', 'dropped')),
    proposed_by uuid NOT NULL REFERENCES person (id),
    proposed_at timestamptz NOT NULL,
    decided_by uuid REFERENCES person (id),
    decided_at timestamptz,
    indicators integer,
    CHECK ((state = 'proposed') = (decided_by IS NULL)),
    CHECK (state <> 'done' OR (decided_by <> proposed_by AND indicators IS NOT NULL))
);
CREATE UNIQUE INDEX year_close_once ON year_close (place, year) WHERE state = 'proposed';
