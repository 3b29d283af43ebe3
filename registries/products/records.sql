-- name: nearest
-- Of each word itself where the registry has it, else the word that sounds most like it; of some no word.
SELECT w.word FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (word, sound, at) CROSS JOIN LATERAL (
    SELECT known.word FROM product_word known WHERE known.word = given.word OR known.sound % given.sound
    ORDER BY known.word = given.word DESC, similarity(known.sound, given.sound) DESC, known.word LIMIT 1) AS w
ORDER BY given.at;

-- name: learn
INSERT INTO product_word (word, sound, heard) SELECT * FROM unnest($1::text[], $2::text[], $3::int[])
ON CONFLICT (word) DO UPDATE SET heard = product_word.heard + excluded.heard;

-- name: product
SELECT p.*, o.name AS org_name, s.name AS standard_name FROM product p JOIN organisation o ON o.id = p.org_id
LEFT JOIN product s ON s.id = p.standard_id WHERE p.id = $1;

-- name: listed
SELECT p.id, p.category, p.name, p.brand, p.model, p.price_fen, p.attributes, o.name AS org_name
FROM product p JOIN organisation o ON o.id = p.org_id WHERE p.id = ANY($1::uuid[]) AND p.stage = 'listed'
ORDER BY array_position($1::uuid[], p.id);

-- name: prices
SELECT at, price_fen FROM product_price WHERE product_id = $1 ORDER BY at DESC LIMIT 100;

-- name: changes
SELECT c.at, p.name AS person, c.before, c.after FROM product_change c LEFT JOIN person p ON p.id = c.by
WHERE c.product_id = $1 ORDER BY c.at DESC, c.id DESC LIMIT 50;

-- name: sellers
-- The goods that are this standard product, the cheapest first.
SELECT p.id, p.name, p.price_fen, o.name AS org_name FROM product p JOIN organisation o ON o.id = p.org_id
WHERE p.standard_id = $1 AND p.stage = 'listed' ORDER BY p.price_fen, p.id LIMIT 50;

-- name: flags
SELECT flag, evidence, until, stage, held_evidence, held_until, file FROM product_flag WHERE product_id = $1 ORDER BY flag DESC;

-- name: own
SELECT id, kind, sku, name, price_fen, stage, remark, count(*) OVER () AS total FROM product
WHERE org_id = $1 ORDER BY changed_at DESC, id DESC LIMIT $2 OFFSET $3;

-- name: open_import
INSERT INTO product_import (org_id, person_id, name, lines, filed_at)
VALUES ($1, $2, $3, $4, to_timestamp($5::bigint / 1000.0)) RETURNING id;

-- name: import
SELECT i.* FROM product_import i WHERE i.id = $1 AND i.org_id = $2;

-- name: lock_import
SELECT * FROM product_import WHERE id = $1 AND org_id = $2 FOR UPDATE;

-- name: next_lines
SELECT line, fields FROM product_import_line WHERE import_id = $1 AND identity IS NULL AND fault = ''
ORDER BY line LIMIT $2;

-- name: judged_lines
UPDATE product_import_line l SET fields = g.fields, identity = g.identity, fault = g.fault, about = g.about
FROM unnest($2::int[], $3::jsonb[], $4::text[], $5::text[], $6::text[]) AS g (line, fields, identity, fault, about)
WHERE l.import_id = $1 AND l.line = g.line;

-- name: mark_twice
-- A line that says again what an earlier line says, by its number or by what it is, however it is worded.
UPDATE product_import_line l SET fault = 'twice', about = e.line::text
FROM product_import_line e
WHERE l.import_id = $1 AND l.line = ANY($2::int[]) AND l.fault = '' AND e.import_id = $1 AND e.line < l.line AND e.fault = ''
  AND md5(e.identity) = md5(l.identity);

-- name: mark_sku_twice
UPDATE product_import_line l SET fault = 'twice', about = e.line::text
FROM product_import_line e
WHERE l.import_id = $1 AND l.line = ANY($2::int[]) AND l.fault = '' AND e.import_id = $1 AND e.line < l.line AND e.fault = ''
  AND l.fields ->> 'sku' = e.fields ->> 'sku' AND l.fields ->> 'kind' = e.fields ->> 'kind';

-- name: mark_listed
UPDATE product_import_line l SET fault = 'twice_listed', about = p.sku
FROM product p
WHERE l.import_id = $1 AND l.line = ANY($2::int[]) AND l.fault = '' AND p.org_id = $3 AND p.stage <> 'withdrawn'
  AND p.kind = l.fields ->> 'kind' AND md5(p.identity) = md5(l.identity) AND p.sku <> l.fields ->> 'sku';

-- name: step_import
UPDATE product_import SET judged = judged + $2,
    faults = (SELECT count(*) FROM product_import_line WHERE import_id = $1 AND fault <> ''),
    stage = CASE WHEN judged + $2 >= lines THEN 'judged' ELSE stage END
WHERE id = $1 RETURNING judged, lines, faults, stage;

-- name: faulty
SELECT line, fault, about FROM product_import_line WHERE import_id = $1 AND fault <> '' ORDER BY line LIMIT $2;

-- name: take
-- One slice of the good lines. What is there already is changed only where it differs; a standard product waits again.
INSERT INTO product (kind, org_id, region, sku, category, brand, model, name, attributes, price_fen, stage, words, sounds,
                     identity, changed_at, changed_by)
SELECT f ->> 'kind', $2, $3, f ->> 'sku', f ->> 'category', f ->> 'brand', f ->> 'model', f ->> 'name', f -> 'attributes',
       (f ->> 'price_fen')::bigint, CASE f ->> 'kind' WHEN 'standard' THEN 'waiting' ELSE 'listed' END,
       array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(f -> 'words'))), f ->> 'sounds', l.identity, to_timestamp($4::bigint / 1000.0), $5
FROM product_import_line l CROSS JOIN LATERAL (SELECT l.fields AS f) AS given
WHERE l.import_id = $1 AND l.fault = '' AND l.line > $6 AND l.line <= $7
ON CONFLICT (org_id, kind, sku) DO UPDATE
SET category = excluded.category, brand = excluded.brand, model = excluded.model, name = excluded.name,
    attributes = excluded.attributes, price_fen = excluded.price_fen, stage = excluded.stage, words = excluded.words,
    sounds = excluded.sounds, identity = excluded.identity, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
WHERE (product.name, product.category, product.brand, product.model, product.attributes, product.price_fen)
    IS DISTINCT FROM
    (excluded.name, excluded.category, excluded.brand, excluded.model, excluded.attributes, excluded.price_fen)
   OR product.stage = 'withdrawn';

-- name: end_import
UPDATE product_import SET stage = $2 WHERE id = $1;

-- name: clear_lines
DELETE FROM product_import_line WHERE import_id = $1 AND fault = '';

-- name: imports
SELECT id, name, lines, judged, faults, stage, filed_at FROM product_import WHERE org_id = $1
ORDER BY filed_at DESC LIMIT 10;

-- name: waiting
SELECT p.id, p.name, p.brand, p.model, p.category, p.price_fen, p.filed_at, o.name AS org_name, count(*) OVER () AS total
FROM product p JOIN organisation o ON o.id = p.org_id WHERE p.stage = 'waiting'
  AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place))
ORDER BY p.filed_at, p.id LIMIT $2 OFFSET $3;

-- name: decide
UPDATE product SET stage = $2, remark = $3, changed_at = to_timestamp($4::bigint / 1000.0), changed_by = $5
WHERE id = $1 AND stage = 'waiting' AND kind = 'standard' RETURNING org_id;
