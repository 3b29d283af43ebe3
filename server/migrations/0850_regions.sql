-- Places 行政区划 an administrator has loaded beside those of the release.

CREATE TABLE region (
    code text PRIMARY KEY CHECK (code ~ '^[1-9][0-9]{5}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
);
