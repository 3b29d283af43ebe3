-- Prices that lie too far: what the watch told, what the seller said of it and what a person decided.

SET LOCAL lock_timeout = '5s';

CREATE TABLE product_alert (
    product_id uuid NOT NULL REFERENCES product (id),
    against text NOT NULL CHECK (against IN ('reference', 'history', 'peers')),
    price_fen bigint NOT NULL CHECK (price_fen > 0),
    base_fen bigint NOT NULL CHECK (base_fen > 0),           -- what it is held against
    by_bp integer NOT NULL,                                  -- hundredths of a percent, negative below
    stage text NOT NULL DEFAULT 'open' CHECK (stage IN ('open', 'explained', 'dismissed', 'gone')),
    said text NOT NULL DEFAULT '' CHECK (length(said) <= 500),
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    made_at timestamptz NOT NULL,
    said_at timestamptz,
    decided_by uuid REFERENCES person (id),
    decided_at timestamptz,
    PRIMARY KEY (product_id, against)
);
CREATE INDEX product_alert_open ON product_alert (made_at) WHERE stage IN ('open', 'explained');

ALTER TABLE product ADD COLUMN watched_at timestamptz;       -- when the watch last looked at this price
CREATE INDEX product_unwatched ON product (id)
    WHERE kind = 'good' AND stage = 'listed' AND (watched_at IS NULL OR watched_at < changed_at);
