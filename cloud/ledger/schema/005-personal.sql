-- What a code has of its own: JSON, null for almost all; and what it is worth then, minor units, null: what its campaign's is.
ALTER TABLE codes ADD COLUMN personal TEXT;
ALTER TABLE codes ADD COLUMN own_value INTEGER CHECK (own_value IS NULL OR personal IS NOT NULL);
-- Of the codes that have a value of their own: how many are in each state, and their value. Kept beside `units`.
ALTER TABLE campaigns ADD COLUMN own_units TEXT NOT NULL DEFAULT '{}';
ALTER TABLE campaigns ADD COLUMN own_value TEXT NOT NULL DEFAULT '{}';

-- When a campaign's terms changed, and what they were under each version. Of campaigns of before only the present is known.
ALTER TABLE campaigns ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
UPDATE campaigns SET changed_at = unixepoch() * 1000;
CREATE TABLE campaign_versions (
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  cap_units INTEGER,
  cap_value INTEGER,
  PRIMARY KEY (campaign, version)
) STRICT, WITHOUT ROWID;
INSERT INTO campaign_versions
  SELECT id, json_extract(body, '$.card.version'), changed_at, body, cap_units, cap_value FROM campaigns;

-- Redemptions whose terms were others than the campaign's: the versions of both.
CREATE TABLE old_terms (
  redemption TEXT PRIMARY KEY REFERENCES redemptions (id),
  used INTEGER NOT NULL,
  in_force INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
