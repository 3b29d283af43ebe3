-- The product registry 商品信息库: brand-standard products and goods, every change with before and after, every price,
-- distinctions with their evidence, files that are read in.

SET LOCAL lock_timeout = '5s';
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE product (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL CHECK (kind IN ('standard', 'good')),
    org_id uuid NOT NULL REFERENCES organisation (id),     -- the brand owner, or the seller
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),
    sku text NOT NULL CHECK (length(sku) BETWEEN 1 AND 64), -- its number at its firm
    category text NOT NULL CHECK (category ~ '^[ABC]([0-9]{8})?$'),
    brand text NOT NULL CHECK (length(brand) BETWEEN 1 AND 100),
    model text NOT NULL CHECK (length(model) <= 100),
    name text NOT NULL CHECK (length(name) BETWEEN 2 AND 300),
    attributes jsonb NOT NULL DEFAULT '{}',
    price_fen bigint NOT NULL CHECK (price_fen BETWEEN 1 AND 900000000000), -- of a standard product: the market reference
    standard_id uuid REFERENCES product (id),              -- of a good, confirmed by a person
    stage text NOT NULL CHECK (stage IN ('waiting', 'listed', 'returned', 'withdrawn')),
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    words tsvector NOT NULL,
    sounds text NOT NULL,
    identity text NOT NULL,
    flagged_until date,                                    -- the last day before which a distinction holds
    filed_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by uuid REFERENCES person (id),
    UNIQUE (org_id, kind, sku),
    CHECK (kind = 'good' OR standard_id IS NULL)
);
CREATE UNIQUE INDEX product_listed_once ON product (org_id, kind, md5(identity)) WHERE stage <> 'withdrawn';
CREATE INDEX product_words ON product USING gin (words);
CREATE INDEX product_sounds ON product USING gin (sounds gin_trgm_ops);
CREATE INDEX product_by_price ON product (price_fen, id) WHERE stage = 'listed';
CREATE INDEX product_by_flag ON product (flagged_until) WHERE flagged_until IS NOT NULL;
CREATE INDEX product_category ON product (category text_pattern_ops) WHERE stage = 'listed';
CREATE INDEX product_of_standard ON product (standard_id) WHERE standard_id IS NOT NULL;
CREATE INDEX product_waiting ON product (filed_at) WHERE stage = 'waiting';

CREATE TABLE product_price (
    product_id uuid NOT NULL REFERENCES product (id),
    at timestamptz NOT NULL,
    price_fen bigint NOT NULL,
    PRIMARY KEY (product_id, at)
);
CREATE TABLE product_change (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    product_id uuid NOT NULL REFERENCES product (id),
    at timestamptz NOT NULL,
    by uuid REFERENCES person (id),
    before jsonb NOT NULL,                                 -- the fields that changed, as they were
    after jsonb NOT NULL
);
CREATE INDEX product_change_of ON product_change (product_id, at);

-- The words of the registry, with how each is spoken: what a word typed wrongly may have meant.
CREATE TABLE product_word (
    word text PRIMARY KEY,
    sound text NOT NULL
);
CREATE INDEX product_word_sound ON product_word USING gin (sound gin_trgm_ops);

-- Written by the table itself, so that nothing is changed without its history.
CREATE FUNCTION product_remember() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_row jsonb; new_row jsonb; names text[];
BEGIN
    IF TG_OP = 'INSERT' OR NEW.price_fen <> OLD.price_fen THEN
        INSERT INTO product_price VALUES (NEW.id, NEW.changed_at, NEW.price_fen)
        ON CONFLICT (product_id, at) DO UPDATE SET price_fen = excluded.price_fen;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        names := ARRAY['category', 'brand', 'model', 'name', 'attributes', 'price_fen', 'standard_id', 'stage', 'remark'];
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, n.value) INTO old_row, new_row
        FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n USING (key)
        WHERE o.key = ANY(names) AND o.value <> n.value;
        IF old_row IS NOT NULL THEN
            INSERT INTO product_change (product_id, at, by, before, after)
            VALUES (NEW.id, NEW.changed_at, NEW.changed_by, old_row, new_row);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER product_remembers AFTER INSERT OR UPDATE ON product FOR EACH ROW EXECUTE FUNCTION product_remember();

-- Distinctions 浙江制造精品, 节能, 环保 with their evidence: what is shown first, never what is scored.
CREATE TABLE product_flag (
    product_id uuid NOT NULL REFERENCES product (id),
    flag text NOT NULL CHECK (flag IN ('zhejiang', 'energy', 'green')),
    evidence text NOT NULL CHECK (length(evidence) BETWEEN 1 AND 200),  -- issuer and number of the certificate
    until date NOT NULL,                                   -- the first day on which it holds no more
    stage text NOT NULL CHECK (stage IN ('waiting', 'confirmed', 'refused')),
    filed_by uuid REFERENCES person (id),
    decided_by uuid REFERENCES person (id),
    PRIMARY KEY (product_id, flag)
);

-- A file that is read in: its lines wait beside the registry, judged step by step, and go over in one transaction.
CREATE TABLE product_import (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    person_id uuid REFERENCES person (id),
    name text NOT NULL CHECK (length(name) <= 200),
    lines integer NOT NULL CHECK (lines >= 0),
    judged integer NOT NULL DEFAULT 0,
    faults integer NOT NULL DEFAULT 0,
    stage text NOT NULL DEFAULT 'judging' CHECK (stage IN ('judging', 'judged', 'taken')),
    filed_at timestamptz NOT NULL
);
CREATE INDEX product_import_of ON product_import (org_id, filed_at);
CREATE TABLE product_import_line (
    import_id uuid NOT NULL REFERENCES product_import (id) ON DELETE CASCADE,
    line integer NOT NULL,                                 -- in the file, the header is 1
    fields jsonb NOT NULL,                                 -- as read; when judged and good, as it will stand
    identity text,
    fault text NOT NULL DEFAULT '',
    about text NOT NULL DEFAULT '',
    PRIMARY KEY (import_id, line)
);
CREATE INDEX product_import_twice ON product_import_line (import_id, md5(identity));
CREATE INDEX product_import_sku ON product_import_line (import_id, (fields ->> 'sku'));
