import type { Database, Statement } from 'better-sqlite3';

export type Statements = ReturnType<typeof prepare>;

const RESERVATION = `
  SELECT r.*, b.reservation IS NOT NULL AS isBlank, m.reservation IS NOT NULL AS isMarked, m.deadline, u.basket AS useBasket, u.lane AS useLane,
    u.mode AS useMode, u.until AS useUntil, u.cardVersion AS useCardVersion
  FROM reservations r
  LEFT JOIN blanks b ON b.reservation = r.reservation
  LEFT JOIN marks m ON m.reservation = r.reservation
  LEFT JOIN uses u ON u.reservation = r.reservation AND u.isOpen = 1`;

const IS_IDLE = 'NOT EXISTS (SELECT 1 FROM uses WHERE uses.reservation = reservations.reservation AND isOpen = 1)';

const ANSWER = 'SELECT door, codeHash, basket, lastFour, redemption, reversal FROM answers';

/**
 * Where a comparison with a bound value may change the plan, SQLite looks at the value and prepares the statement anew at
 * every run: 100 µs instead of 4. It does not look into `(SELECT ?)`.
 */
export function prepare(db: Database) {
  const sql = (text: string): Statement => db.prepare(text);
  return {
    begin: sql('BEGIN IMMEDIATE'),
    commit: sql('COMMIT'),
    rollback: sql('ROLLBACK'),

    box: sql('SELECT * FROM box'),
    openOfCode: sql(`${RESERVATION} WHERE r.codeHash = (SELECT ?) AND r.state = 'active' ORDER BY r.number`),
    reservation: sql(`${RESERVATION} WHERE r.reservation = (SELECT ?)`),
    installedUpTo: sql(`${RESERVATION} WHERE r.state = 'active' AND r.epoch = (SELECT ?) AND r.number <= (SELECT ?)`),
    // The plus signs keep SQLite from reading every reservation of the epoch.
    due: sql(`${RESERVATION} WHERE +r.state = 'active' AND +r.epoch = (SELECT @epoch) AND r.reservation IN (
      SELECT * FROM (SELECT reservation FROM reservations WHERE state = 'active' AND epoch = (SELECT @epoch)
        AND notAfter <= (SELECT @endedAt) AND ${IS_IDLE} LIMIT @most)
      UNION SELECT reservation FROM uses WHERE isOpen = 1 AND until <= (SELECT @usedUntil)
      UNION SELECT reservation FROM uses WHERE isOpen = 1 AND until > (SELECT @usedBeyond)
      UNION SELECT reservation FROM marks WHERE deadline <= (SELECT @lapsedAt)
      UNION SELECT reservation FROM reservations WHERE @fetchedToo AND state = 'active' AND origin = 'scan'
        AND epoch = (SELECT @epoch) AND ${IS_IDLE}
      LIMIT @most)`),
    cards: sql('SELECT card FROM cards WHERE campaign = (SELECT ?) ORDER BY version'),
    newestCards: sql(`SELECT card FROM cards WHERE version =
      (SELECT MAX(version) FROM cards AS newer WHERE newer.campaign = cards.campaign)`),
    holdings: sql(
      "SELECT reservation FROM reservations WHERE state = 'active' AND epoch = (SELECT ?) ORDER BY reservation",
    ),
    holding: sql(`SELECT (SELECT COUNT(*) FROM reservations WHERE state = 'active' AND epoch = (SELECT @epoch))
        - (SELECT COUNT(*) FROM blanks) AS holding,
      (SELECT COUNT(*) FROM blanks) AS blanks,
      (SELECT COUNT(*) FROM uses WHERE isOpen = 1) AS inUse,
      (SELECT notAfter FROM reservations WHERE state = 'active' AND epoch = (SELECT @epoch)
        AND NOT EXISTS (SELECT 1 FROM blanks WHERE blanks.reservation = reservations.reservation)
        ORDER BY notAfter LIMIT 1) AS holdsUntil`),
    blanks: sql(`SELECT b.campaign, COUNT(*) AS units, MIN(r.notAfter) AS until FROM blanks b
      JOIN reservations r ON r.reservation = b.reservation GROUP BY b.campaign ORDER BY b.campaign`),
    blank: sql(`${RESERVATION} WHERE r.reservation = (SELECT reservation FROM blanks
      WHERE campaign = (SELECT ?) ORDER BY reservation LIMIT 1)`),
    issueOf: sql(`SELECT campaign, basket, reservation, codeHash, epoch, n, offer, until FROM issues
      WHERE campaign = (SELECT ?) AND basket = (SELECT ?)`),
    issuedText: sql('SELECT sealed FROM issues WHERE campaign = (SELECT ?) AND basket = (SELECT ?)'),
    answersOfCode: sql(`${ANSWER} WHERE codeHash = ?`),
    answersOfBasket: sql(`${ANSWER} WHERE basket = (SELECT ?) AND door = (SELECT ?) ORDER BY codeHash`),
    usesOfBasket: sql('SELECT codeHash, lastFour, isOpen FROM uses WHERE basket = (SELECT ?) ORDER BY codeHash'),
    scans: sql('SELECT n, codeHash, basket, lane, customer, at, what FROM scans ORDER BY n LIMIT ?'),
    hashAt: sql('SELECT hash FROM journal WHERE epoch = ? AND n = ?'),
    entries: sql('SELECT epoch, n, hash, body FROM journal WHERE epoch = ? AND n >= ? ORDER BY n LIMIT ?'),
    // From one epoch to the next: a GROUP BY would read the whole journal.
    epochs: sql(`WITH RECURSIVE found (epoch) AS (SELECT MIN(epoch) FROM journal
      UNION ALL SELECT (SELECT MIN(epoch) FROM journal WHERE journal.epoch > found.epoch) FROM found WHERE epoch IS NOT NULL)
      SELECT epoch, (SELECT MAX(n) FROM journal WHERE journal.epoch = found.epoch) AS n FROM found WHERE epoch IS NOT NULL`),
    // Canonical text has `at` first, where an entry has it: the others, some of them large, are not parsed.
    oldestAt: sql(`SELECT json_extract(body, '$.at') AS at FROM journal
      WHERE epoch = (SELECT ?) AND n > (SELECT ?) AND substr(body, 1, 6) = '{"at":' ORDER BY n LIMIT 1`),
    evidence: sql('SELECT epoch, n FROM evidence WHERE epoch = ?'),

    make: sql(`INSERT INTO box VALUES (1, @gateway, @incarnation, @epoch, 0, 0, @hash, 0, 0, 0, 1, NULL)`),
    append: sql('INSERT INTO journal (epoch, n, body, hash) VALUES (?, ?, ?, ?)'),
    head: sql('UPDATE box SET n = ?, hash = ?'),
    install: sql(`INSERT INTO reservations VALUES (@reservation, @codeHash, @lastFour, @generation, @campaign,
      @cardVersion, @epoch, @number, @notAfter, @state, @origin, @personal)`),
    bury: sql(`INSERT INTO reservations VALUES (@reservation, @codeHash, @lastFour, @generation, @campaign,
      @cardVersion, @epoch, @number, @notAfter, 'returned', 'scan', NULL)`),
    blankMade: sql('INSERT INTO blanks VALUES (?, ?, ?)'),
    dropBlank: sql('DELETE FROM blanks WHERE reservation = ?'),
    issue: sql(`INSERT INTO issues SELECT @campaign, @basket, reservation, @codeHash, @epoch, @n, @offer, @until, sealed
      FROM blanks WHERE reservation = @reservation`),
    issueOwn: sql(
      `INSERT INTO issues VALUES (@campaign, @basket, NULL, @codeHash, @epoch, @n, @offer, @until, @sealed)`,
    ),
    issued: sql("UPDATE reservations SET origin = 'scan' WHERE reservation = ? AND state = 'active'"),
    close: sql("UPDATE reservations SET state = ? WHERE reservation = ? AND state = 'active'"),
    moveEnd: sql("UPDATE reservations SET notAfter = ? WHERE reservation = ? AND state = 'active'"),
    use: sql(`INSERT INTO uses VALUES (@codeHash, @basket, @reservation, @lastFour, @lane, @mode, @until, @cardVersion, 1)
      ON CONFLICT (codeHash, basket) DO UPDATE SET reservation = excluded.reservation, lastFour = excluded.lastFour,
      lane = excluded.lane, mode = excluded.mode, until = excluded.until, cardVersion = excluded.cardVersion, isOpen = 1`),
    endUse: sql('UPDATE uses SET isOpen = 0 WHERE reservation = ? AND isOpen = 1'),
    dropUse: sql('DELETE FROM uses WHERE reservation = ? AND isOpen = 1'),
    mark: sql(`INSERT INTO marks VALUES (?, ?) ON CONFLICT (reservation) DO UPDATE SET deadline = excluded.deadline`),
    unmark: sql('DELETE FROM marks WHERE reservation = ?'),
    floor: sql('UPDATE box SET floor = ?'),
    answer: sql(`INSERT INTO answers (door, codeHash, basket, lastFour, reservation, redemption, reversal)
      VALUES (@door, @codeHash, @basket, @lastFour, @reservation, @redemption, @reversal)
      ON CONFLICT (codeHash, door, basket) DO UPDATE SET redemption = excluded.redemption, reversal = excluded.reversal`),
    acknowledged: sql('UPDATE box SET acknowledged = ?'),
    raiseEvidence: sql(`INSERT INTO evidence VALUES (?, ?)
      ON CONFLICT (epoch) DO UPDATE SET n = MAX(n, excluded.n)`),
    fence: sql('UPDATE box SET fence = ?'),
    boot: sql('UPDATE box SET bootId = ?'),
    stopped: sql('UPDATE box SET stoppedClean = ?'),
    card: sql('INSERT INTO cards VALUES (?, ?, ?)'),
    highWater: sql('UPDATE box SET highWater = ?'),
    // A row that is refused would use up a number, and look like one that was dropped.
    scan: sql(`INSERT INTO scans (codeHash, basket, what, lane, customer, at) SELECT @codeHash, @basket, @what, @lane, @customer, @at
      WHERE NOT EXISTS (SELECT 1 FROM scans WHERE codeHash = @codeHash AND basket = @basket AND what = @what)`),
    dropScans: sql('DELETE FROM scans WHERE n <= (SELECT MAX(n) FROM scans) - ?'),
    scansTaken: sql('DELETE FROM scans WHERE n <= ?'),
  };
}
