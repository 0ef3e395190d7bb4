-- Where people showed a coupon: what stores reserve ahead goes by it. One row for each day and place, so that what is told
-- twice, late or in another order is the same. Kept half a year.
CREATE TABLE customer_sightings (
  customer TEXT NOT NULL REFERENCES customers (id),
  -- a store; '' online, a primary key has no NULL
  place TEXT NOT NULL,
  -- days since 1970, UTC
  day INTEGER NOT NULL,
  PRIMARY KEY (customer, place, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_sightings_by_age ON customer_sightings (day);
INSERT INTO customer_sightings SELECT customer, seen_store, seen_at / 86400000 FROM customer_places;
DROP TABLE customer_places;
