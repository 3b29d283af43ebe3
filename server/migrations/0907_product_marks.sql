-- A product's words also say where it stands: its category, and the step of its price. So one index answers for words,
-- category and price together, and the cheapest of very many are found without reading all of them.

SET LOCAL lock_timeout = '5s';

-- The step of a price: two to each doubling.
CREATE FUNCTION product_price_step(price_fen bigint) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT floor(2 * ln(price_fen::float8) / ln(2::float8))::integer $$;

-- Marks begin with signs that no word has: #A0201 for a category and each above it, $34 for the step of the price.
CREATE FUNCTION product_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.words := ts_delete(NEW.words, ARRAY(SELECT w FROM unnest(tsvector_to_array(NEW.words)) w WHERE w ~ '^[#$]'))
        || array_to_tsvector(ARRAY(SELECT '#' || left(NEW.category, n) FROM generate_series(3, length(NEW.category), 2) n)
                             || ('$' || product_price_step(NEW.price_fen)));
    RETURN NEW;
END $$;
CREATE TRIGGER product_marks BEFORE INSERT OR UPDATE OF words, category, price_fen ON product
FOR EACH ROW EXECUTE FUNCTION product_mark();

UPDATE product SET words = words;
