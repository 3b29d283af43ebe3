-- Parameters, work calendars and categories by place.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Only what differs from the defaults of the release stands here. Of one key in one place never two at a time.
CREATE TABLE rule_param (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    key text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_.]{1,60}$'),
    region text NOT NULL CHECK (region ~ '^([1-9][0-9]([0-9]{2}){0,2})?$'),
    during daterange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during)),
    value jsonb NOT NULL CHECK (jsonb_typeof(value) IN ('number', 'boolean', 'string')),
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (key, region, during WITHOUT OVERLAPS)
);

-- A year whose holiday notice 节假日安排 has been loaded, with its weekdays off and weekend days worked.
CREATE TABLE work_calendar (
    year integer PRIMARY KEY CHECK (year BETWEEN 2000 AND 2200),
    off date[] NOT NULL,
    make_up date[] NOT NULL,
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE category (
    code text PRIMARY KEY CHECK (code ~ '^[ABC]([0-9]{8})?$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
);

-- What a place lists for central purchasing 集采目录, and buys in batches 批量.
CREATE TABLE category_rule (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    region text NOT NULL CHECK (region ~ '^([1-9][0-9]([0-9]{2}){0,2})?$'),
    code text NOT NULL CHECK (code ~ '^[ABC]([0-9]{8})?$'),
    during daterange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during)),
    catalogued boolean NOT NULL,
    batch boolean NOT NULL CHECK (catalogued OR NOT batch),
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (region, code, during WITHOUT OVERLAPS)
);
