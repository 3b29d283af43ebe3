-- What waits in the product registry, one line a firm: standard products and distinctions to review, prices to look into
-- and to explain.

SET LOCAL lock_timeout = '5s';

CREATE VIEW todo_of_products AS
SELECT w.kind || ':' || w.org_id AS key, w.kind, '{}'::uuid[] AS org_ids, '{supervisor}'::text[] AS roles,
       'product.review' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, w.region, w.org_id AS object_id,
       o.name AS title, count(*)::text AS number, NULL::timestamptz AS until, w.path
FROM (SELECT 'product_waiting' AS kind, p.org_id, p.region, '/products/waiting' AS path FROM product p WHERE p.stage = 'waiting'
      UNION ALL
      SELECT 'product_flag', p.org_id, p.region, '/products/waiting'
      FROM product_flag f JOIN product p ON p.id = f.product_id WHERE f.stage = 'waiting' AND p.stage <> 'withdrawn'
      UNION ALL
      SELECT 'product_alert', p.org_id, p.region, '/products/alerts'
      FROM product_alert a JOIN product p ON p.id = a.product_id
      WHERE a.stage IN ('open', 'explained') AND p.stage = 'listed') AS w
JOIN organisation o ON o.id = w.org_id GROUP BY w.kind, w.org_id, w.region, w.path, o.name
UNION ALL
SELECT 'product_explain:' || p.org_id, 'product_explain', ARRAY[p.org_id], '{supplier}', 'product.file', NULL, '{}', min(p.region),
       p.org_id, min(p.name), count(*)::text, NULL, '/products/own/alerts'
FROM product_alert a JOIN product p ON p.id = a.product_id WHERE a.stage = 'open' AND p.stage = 'listed' GROUP BY p.org_id
UNION ALL
SELECT 'product_returned:' || p.id, 'product_returned', ARRAY[p.org_id], '{supplier}', 'product.file', NULL, '{}', p.region,
       p.id, p.name, p.sku, NULL, '/products/' || p.id
FROM product p WHERE p.stage = 'returned';
SELECT gather_todo();

CREATE INDEX product_returned ON product (org_id) WHERE stage = 'returned';
CREATE INDEX product_flag_waiting ON product_flag (product_id) WHERE stage = 'waiting';
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE OF stage ON product FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON product_flag FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON product_alert FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
