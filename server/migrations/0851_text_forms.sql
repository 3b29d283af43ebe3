-- Text forms 格式文本 in their versions, never changed; what a case has pinned.

CREATE TABLE text_form (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    region text NOT NULL CHECK (region ~ '^([1-9][0-9]([0-9]{2}){0,2})?$'),
    version integer NOT NULL CHECK (version >= 1),
    valid_from date NOT NULL,
    body text NOT NULL CHECK (length(body) BETWEEN 1 AND 20000),
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, region, version),
    UNIQUE (kind, region, valid_from)
);

ALTER TABLE auction ADD COLUMN text_forms jsonb NOT NULL DEFAULT '{}';  -- by kind: the id of the version in force

