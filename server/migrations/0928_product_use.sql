-- Products: how often they are looked at and compared, day by day; what purchasers say of them; awards of the same brand and
-- model; a distinction that is filed again stays as it was confirmed until the new filing is decided, and may carry a picture.

SET LOCAL lock_timeout = '5s';

CREATE TABLE product_day (
    product_id uuid NOT NULL REFERENCES product (id),
    day date NOT NULL,
    views integer NOT NULL DEFAULT 0 CHECK (views >= 0),
    compares integer NOT NULL DEFAULT 0 CHECK (compares >= 0),
    PRIMARY KEY (product_id, day)
);

CREATE TABLE product_review (
    product_id uuid NOT NULL REFERENCES product (id),
    person_id uuid NOT NULL REFERENCES person (id),
    org_id uuid NOT NULL REFERENCES organisation (id),
    stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    words text NOT NULL DEFAULT '' CHECK (length(words) <= 500),
    given_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    answer text NOT NULL DEFAULT '' CHECK (length(answer) <= 500),
    answered_at timestamptz,
    hidden_by uuid REFERENCES person (id),
    hidden_why text NOT NULL DEFAULT '' CHECK (length(hidden_why) <= 500),
    PRIMARY KEY (product_id, person_id),
    CHECK ((hidden_by IS NULL) = (hidden_why = ''))
);

ALTER TABLE product_flag ADD COLUMN held_evidence text, ADD COLUMN held_until date, ADD COLUMN file uuid REFERENCES paper (id);
UPDATE product_flag SET held_evidence = evidence, held_until = until WHERE stage = 'confirmed';
ALTER TABLE product_flag ADD CHECK ((held_evidence IS NULL) = (held_until IS NULL)),
    ADD CHECK (stage <> 'confirmed' OR held_until IS NOT NULL);

-- Awards by what was offered.
CREATE VIEW product_award AS
SELECT lower(btrim(f.brand)) AS brand, lower(btrim(f.model)) AS model, d.supplier_org_id AS org_id, d.made_at, d.amount_fen
FROM deal d JOIN lot l ON l.id = d.lot_id JOIN signup s ON s.auction_id = l.auction_id AND s.org_id = d.supplier_org_id
JOIN offer f ON f.lot_id = d.lot_id AND f.signup_id = s.id
WHERE NOT l.practice AND l.stage IN ('published', 'contracted');
CREATE INDEX offer_by_model ON offer (lower(btrim(model)), lower(btrim(brand)));
