-- name: by_specialty
SELECT left(s, 3) AS word, count(DISTINCT e.person_id) AS many
FROM expert e CROSS JOIN jsonb_array_elements_text(e.content->'specialties') AS s
WHERE e.status = 'active' AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(e.region, place))
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 15;

-- name: by_region
SELECT left(e.region, 4) || '00' AS word, count(*) AS many FROM expert e
WHERE e.status = 'active' AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(e.region, place))
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 15;

-- name: by_title
SELECT e.content->>'title' AS word, count(*) AS many FROM expert e
WHERE e.status = 'active' AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(e.region, place))
GROUP BY 1 ORDER BY 2 DESC;

-- name: by_stage
-- Draws of these places in a year, by where they stand.
SELECT d.stage AS word, count(*) AS many FROM draw d
WHERE d.asked_at >= $2 AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(d.region, place))
GROUP BY 1 ORDER BY 2 DESC;

-- name: answers
-- How the calls of published draws of these places were answered in a year, and after how long on the mean.
SELECT count(*) AS called, count(*) FILTER (WHERE t.answer = 'accepted') AS accepted,
       count(*) FILTER (WHERE t.answer = 'declined') AS declined, count(*) FILTER (WHERE t.answer = 'avoids') AS avoids,
       count(*) FILTER (WHERE t.answer = 'no_answer') AS no_answer,
       avg(extract(epoch FROM t.answered_at - t.called_at)) FILTER (WHERE t.answer <> 'no_answer')::bigint AS seconds
FROM draw d JOIN draw_ticket t ON t.draw_id = d.id AND t.called_at IS NOT NULL
WHERE d.stage = 'published' AND d.asked_at >= $2
  AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(d.region, place));

-- name: often
-- How many experts of these places were called how often in published draws of a year; 6: six times or more.
SELECT times AS word, count(*) AS many FROM (
    SELECT least(6, (SELECT count(*) FROM draw_ticket t JOIN draw d ON d.id = t.draw_id
                     WHERE t.person_id = e.person_id AND t.called_at IS NOT NULL AND d.stage = 'published' AND d.asked_at >= $2))
        AS times
    FROM expert e WHERE e.status = 'active'
      AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(e.region, place))) AS counted
GROUP BY 1 ORDER BY 1;

-- name: appraised
-- What both sides said in a year, of reviews in these places.
SELECT a.side AS word, count(*) AS many, avg(a.mean_bp)::int AS mean FROM draw_appraised a JOIN draw d ON d.id = a.draw_id
WHERE a.given_at >= $2 AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(d.region, place))
GROUP BY 1 ORDER BY 1;
