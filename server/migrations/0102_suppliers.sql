-- Suppliers as registered, and the bans against them.

CREATE TABLE supplier (
    org_id uuid PRIMARY KEY REFERENCES organisation (id),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'reviewing', 'active', 'limited', 'closed')),
    size_class text NOT NULL DEFAULT 'unknown' CHECK (size_class IN ('unknown', 'micro', 'small', 'medium', 'large')),
    prison boolean NOT NULL DEFAULT false,       -- 监狱企业
    welfare boolean NOT NULL DEFAULT false,      -- 残疾人福利性单位
    head_name text NOT NULL DEFAULT '',
    head_key bytea CHECK (octet_length(head_key) = 32),  -- keyed hash of the head's identity number, never the number
    controllers text[] NOT NULL DEFAULT '{}',    -- credit codes or head keys (hex) of who directly holds or manages it
    categories text[] NOT NULL DEFAULT '{}',     -- scopes 品目, with all below them
    certificate_until date,                      -- first day on which it no longer holds
    uscc_proven boolean NOT NULL DEFAULT false,  -- a person has looked at the certificate
    registered_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX supplier_by_region ON supplier (region text_pattern_ops, status);

-- A ban 禁止参加政府采购活动, from a day until before another (none: until lifted).
CREATE TABLE supplier_ban (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES supplier (org_id),
    during daterange NOT NULL CHECK (NOT isempty(during)),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    authority text NOT NULL CHECK (length(authority) BETWEEN 1 AND 200),
    set_by uuid REFERENCES person (id),
    set_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX supplier_ban_by_org ON supplier_ban (org_id);
