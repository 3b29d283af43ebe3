-- Queries of the transcript. Its rows are only ever added (migration 0301).

-- name: lock_transcripts
SELECT pg_advisory_xact_lock(hashtextextended('transcript ' || id, 0))
FROM (SELECT id FROM unnest($1::text[]) AS id ORDER BY id) AS ordered;

-- name: salt_of
SELECT key FROM lot_salt WHERE lot_id = $1;

-- name: subject_of
SELECT origin, body FROM transcript_subject WHERE lot_id = $1;

-- name: salts
SELECT lot_id, key FROM lot_salt WHERE lot_id = ANY ($1);

-- name: subjects_of
SELECT lot_id, origin, body FROM transcript_subject WHERE lot_id = ANY ($1);

-- name: subjects_now
-- What the lot is about and who its bidders are at this moment.
SELECT l.id AS lot_id, a.number, l.title, coalesce((
    SELECT jsonb_object_agg(u.alias, jsonb_build_object('name', coalesce(o.name, u.name), 'uscc', coalesce(o.uscc, '')))
    FROM signup u LEFT JOIN organisation o ON o.id = u.org_id WHERE u.auction_id = a.id), '{}') AS names
FROM lot l JOIN auction a ON a.id = l.auction_id WHERE l.id = ANY ($1);

-- name: add_key
INSERT INTO transcript_key (public) VALUES ($1) ON CONFLICT DO NOTHING RETURNING true;

-- name: keys
SELECT public, made_at FROM transcript_key ORDER BY made_at, public;

-- name: hashes_after
-- The leaves of each lot behind a position of its own ($2).
SELECT e.lot_id, e.hash FROM unnest($1::uuid[], $2::integer[]) AS w (lot_id, after)
JOIN transcript_entry e ON e.lot_id = w.lot_id AND e.n > w.after ORDER BY e.lot_id, e.n;

-- name: sizes
-- How many leaves of each lot stand in Postgres.
SELECT lot_id, max(size) AS size FROM transcript_checkpoint WHERE lot_id = ANY ($1) GROUP BY lot_id;

-- name: leaves_of
SELECT leaf, line FROM transcript_entry WHERE lot_id = $1 ORDER BY n;

-- name: checkpoints_of
SELECT size, note FROM transcript_checkpoint WHERE lot_id = $1 ORDER BY size;

-- name: receipts_of
SELECT note FROM transcript_receipt WHERE lot_id = $1 AND alias = $2 ORDER BY size;

-- name: standings_of
SELECT rank, alias, price, n, (extract(epoch FROM at) * 1000)::bigint AS at FROM standing WHERE lot_id = $1 ORDER BY rank;

-- name: file_facts
-- What decides how much of a transcript is opened, and to whom.
SELECT l.rules, l.stage, w.alias AS winner
FROM lot l LEFT JOIN standing w ON w.lot_id = l.id AND w.rank = l.award_rank WHERE l.id = $1;

-- name: newest_checkpoint
SELECT note FROM transcript_checkpoint WHERE lot_id = $1 ORDER BY size DESC LIMIT 1;
