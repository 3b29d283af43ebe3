-- Province packs 省级配置包 that were loaded.

CREATE TABLE province_pack (
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{1,40}$'),
    version text NOT NULL CHECK (length(version) BETWEEN 1 AND 40),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]$'),
    branding jsonb NOT NULL DEFAULT '{}',
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, version)
);
