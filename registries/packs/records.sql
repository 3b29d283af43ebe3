-- name: lock_packs
SELECT pg_advisory_xact_lock(hashtextextended('province_pack', 0));

-- name: loaded
SELECT sha256 FROM province_pack WHERE name = $1 AND version = $2;

-- name: add_pack
INSERT INTO province_pack (name, version, region, branding, sha256) VALUES ($1, $2, $3, $4, $5);

-- name: tell_pack
SELECT pg_notify('pack', '');

-- name: branding
-- Of the pack that was loaded last.
SELECT branding FROM province_pack ORDER BY loaded_at DESC LIMIT 1;
