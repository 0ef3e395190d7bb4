-- Since when a delivery is stopped, who sends a message, and what is counted and forgotten of many.
ALTER TABLE deliveries ADD COLUMN paused_at INTEGER;
UPDATE deliveries SET paused_at = at WHERE paused = 1;
ALTER TABLE deliveries DROP COLUMN paused;

-- the node that makes the attempt under way; another takes it up when its time is over
ALTER TABLE messages ADD COLUMN sender TEXT;

-- why messages wait, or were not sent
CREATE INDEX messages_reasons ON messages (delivery, state, reason) WHERE delivery IS NOT NULL AND reason IS NOT NULL;
-- those that still say whose they are
CREATE INDEX messages_personal ON messages (queued_at) WHERE customer IS NOT NULL OR address_hash IS NOT NULL;
