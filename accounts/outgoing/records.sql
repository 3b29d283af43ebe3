-- name: claim
UPDATE outgoing SET attempts = attempts + 1, next_at = $2 WHERE id IN (
    SELECT id FROM outgoing WHERE state = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id, channel, endpoint_id, person_id, kind, subject, body, attempts;

-- name: sent
UPDATE outgoing SET state = 'done', done_at = $2, said = $3 WHERE id = $1;

-- name: failed
UPDATE outgoing SET state = CASE WHEN $3::timestamptz IS NULL THEN 'dead' ELSE 'waiting' END,
       next_at = coalesce($3, next_at), done_at = CASE WHEN $3::timestamptz IS NULL THEN $2::timestamptz END, said = $4
WHERE id = $1;

-- name: forget_old
DELETE FROM outgoing WHERE state <> 'waiting' AND made_at < $1;

-- name: say_once
INSERT INTO outgoing (channel, person_id, once, kind, subject, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (once) DO NOTHING;

-- name: contact
SELECT email, phone, by_email, by_sms, by_voice FROM person_contact WHERE person_id = $1;
