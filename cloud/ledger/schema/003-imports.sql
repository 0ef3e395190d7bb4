-- Stacks made elsewhere. NULL: made here. 'coming': its codes are being staged, nothing of it counts, and a crash drops it.
-- 'whole': all its codes are staged, and a crash finishes it.
ALTER TABLE stacks ADD COLUMN import TEXT CHECK (import IN ('coming', 'whole'));
-- A code of such a stack is in codes as 'staged' until its chunk is issued: nobody knows it, and no other can be the same.
