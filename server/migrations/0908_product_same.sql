-- Which goods are probably which standard product: what the matcher suggests and what a person said of it.

SET LOCAL lock_timeout = '5s';

CREATE TABLE product_same (
    good_id uuid NOT NULL REFERENCES product (id),
    standard_id uuid NOT NULL REFERENCES product (id),
    score integer NOT NULL CHECK (score BETWEEN 0 AND 100),  -- how sure, in hundredths
    stage text NOT NULL DEFAULT 'open' CHECK (stage IN ('open', 'same', 'other')),
    decided_by uuid REFERENCES person (id),
    decided_at timestamptz,
    PRIMARY KEY (good_id, standard_id)
);
CREATE INDEX product_same_open ON product_same (score) WHERE stage = 'open';
CREATE INDEX product_same_decided ON product_same (decided_at) WHERE stage <> 'open';

ALTER TABLE product ADD COLUMN looked_at timestamptz;        -- when the matcher last looked at this good
CREATE INDEX product_unlooked ON product (id)
    WHERE kind = 'good' AND stage = 'listed' AND standard_id IS NULL AND (looked_at IS NULL OR looked_at < changed_at);

-- About how many products have a word: how telling it is.
ALTER TABLE product_word ADD COLUMN heard integer NOT NULL DEFAULT 1;
UPDATE product_word w SET heard = s.ndoc FROM ts_stat('SELECT words FROM product') s WHERE s.word = w.word;

-- A standard product is marked as one, too.
CREATE OR REPLACE FUNCTION product_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.words := ts_delete(NEW.words, ARRAY(SELECT w FROM unnest(tsvector_to_array(NEW.words)) w WHERE w ~ '^[#$]'))
        || array_to_tsvector(ARRAY(SELECT '#' || left(NEW.category, n) FROM generate_series(3, length(NEW.category), 2) n)
                             || ('$' || product_price_step(NEW.price_fen)) || ('#' || NEW.kind));
    RETURN NEW;
END $$;
UPDATE product SET words = words WHERE kind = 'standard';
