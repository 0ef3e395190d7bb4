-- Coupons that end before their campaign. The books count them by their end, and so all entries anew, at the next report.
DROP TABLE books;
CREATE TABLE books (
  campaign TEXT NOT NULL,
  day TEXT NOT NULL,
  -- of the campaign's card that set the face value and the end in force
  version INTEGER NOT NULL,
  -- '' where the code is new
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  -- of the coupon's own, a date or an instant; '' where it ends with its campaign
  ends_at TEXT NOT NULL,
  units INTEGER NOT NULL,
  -- of those that have a value of their own: how many, and what they are worth; from a state to the same: they got it then
  own_units INTEGER NOT NULL,
  own_value INTEGER NOT NULL,
  PRIMARY KEY (campaign, day, version, from_state, to_state, ends_at)
) STRICT, WITHOUT ROWID;
DELETE FROM books_kept;

-- Entries of before did not tell the ends of what they issued: these were issued when they were assigned, among those without.
INSERT INTO books
  WITH ending (campaign, day, ends_at, own_value) AS (
    SELECT c.campaign, date(a.at / 1000, 'unixepoch'), json_extract(c.personal, '$.endsAt'), c.own_value
    FROM codes c JOIN assignments a ON a.code_hash = c.hash
    WHERE json_extract(c.personal, '$.endsAt') IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM entries p WHERE p.code_hash = c.hash AND json_extract(p.body, '$.kind') = 'personal'))
  SELECT campaign, day, 0, 'issued', 'issued', ends_at, count(*), count(own_value), coalesce(sum(own_value), 0)
    FROM ending GROUP BY campaign, day, ends_at
  UNION ALL
  SELECT campaign, day, 0, 'issued', 'issued', '', -count(*), -count(own_value), -coalesce(sum(own_value), 0)
    FROM ending GROUP BY campaign, day;

-- what has ended by itself and nobody has redeemed
CREATE INDEX codes_by_own_end ON codes (campaign, json_extract(personal, '$.endsAt')) WHERE personal IS NOT NULL;
