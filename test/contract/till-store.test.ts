import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainEntries, type EntryBody, GENESIS_HASH } from '../../protocol/journal.ts';
import { blanksHeld } from '../../gateway/till/blanks-held.ts';
import type { Answer, Reservation } from '../../gateway/till/box-rules.ts';
import type { Change } from '../../gateway/till/draft-rules.ts';
import { TillUnavailable } from '../../gateway/till/port.ts';
import { SqliteTillStore } from '../../gateway/till/sqlite-store.ts';
import { hasUnsettled, TillDataBroken, type TillStore } from '../../gateway/till/store.ts';
import { card, codeAt, DOOR, GATEWAY, hashOf, INCARNATION } from '../rules/till-world.ts';

const CODE = hashOf(codeAt(0));
const OTHER = hashOf(codeAt(1));
const BOX = { gateway: GATEWAY, incarnation: INCARNATION, epoch: 1 };
const boot = (bootId: number): EntryBody => ({
  kind: 'boot',
  bootId,
  incarnation: INCARNATION,
  keyId: 'key-0001',
  cause: 'start',
});

type Installed = Extract<Change, { do: 'install' }>['reservation'];
const item = (changes: Partial<Installed> = {}): Installed => ({
  reservation: 'res-00001',
  codeHash: CODE,
  lastFour: 'ABCD',
  generation: 0,
  campaign: 'spring',
  cardVersion: 1,
  personal: null,
  epoch: 1,
  number: 3,
  notAfter: 1000,
  state: 'active',
  origin: 'stock',
  ...changes,
});
const held = (changes: Partial<Reservation> = {}): Reservation => ({ ...item(), use: null, mark: null, ...changes });
const use = { basket: 'A', lane: '3', mode: 'reserved', until: 500, cardVersion: 1 } as const;

const answer = (changes: Partial<Answer> = {}): Answer => ({
  door: DOOR,
  codeHash: CODE,
  basket: 'A',
  lastFour: 'ABCD',
  redemption: {
    id: 'red-00001',
    reservation: 'res-00001',
    generation: 0,
    entry: { epoch: 1, n: 1 },
    at: 5,
    lane: null,
    total: { amount: 4200, currency: 'USD' },
    mode: 'online',
    offer: card().offer,
  },
  reversal: null,
  ...changes,
});

let root: string;
let store: TillStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tearline-till-'));
});
afterEach(() => {
  store.close();
  rmSync(root, { recursive: true });
});

/** Carries changes out in one transaction, as the till does. */
function change(...changes: Change[]): void {
  const bodies = changes.flatMap((one) => (one.do === 'journal' ? [one.body] : []));
  store.begin();
  try {
    store.apply(changes, chainEntries(store.box().head, bodies));
    store.commit();
  } catch (error) {
    store.rollback();
    throw error;
  }
}
const install = (changes: Partial<Installed> = {}) => change({ do: 'install', reservation: item(changes) });

describe.each([
  ['in a file', () => join(root, 'till.db')],
  ['in memory', () => ':memory:'],
])('the till’s store %s', (_, path) => {
  beforeEach(() => {
    store = new SqliteTillStore(path());
    store.make(BOX);
  });

  it('begins as enrolment made it, once', () => {
    expect(store.box()).toEqual({
      ...BOX,
      bootId: 0,
      head: { epoch: 1, n: 0, hash: GENESIS_HASH },
      acknowledged: 0,
      floor: 0,
      highWater: 0,
      stoppedClean: true,
      fence: null,
    });
    expect(() => store.make(BOX)).toThrow();
  });

  it('keeps what is said of the box', () => {
    const fence = { epoch: 2, why: 'behind', witness: { epoch: 1, n: 9 } };
    change({ do: 'floor', number: 7 }, { do: 'high_water', at: 99 }, { do: 'boot', bootId: 4 }, { do: 'running' });
    change({ do: 'acknowledged', n: 0 }, { do: 'fence', fence });
    expect(store.box()).toMatchObject({ floor: 7, highWater: 99, bootId: 4, stoppedClean: false, fence });
    change({ do: 'stopped' });
    expect(store.box().stoppedClean).toBe(true);
  });

  it('keeps with a reservation what its coupon has of its own [P13]', () => {
    const personal = { title: '$7 off', discount: { type: 'amount', amount: 700, currency: 'USD' } } as const;
    install({ personal });
    install({ reservation: 'res-00002', codeHash: OTHER });
    expect(store.reservation('res-00001')).toEqual(held({ personal }));
    expect(store.code(OTHER).open[0]?.personal).toBeNull();
    change({ do: 'bury', reservation: 'res-00003', codeHash: CODE, generation: 0, epoch: 1 });
    expect(store.reservation('res-00003')).toMatchObject({ state: 'returned', personal: null });
  });

  it('knows the forms of the newest card of each campaign, each once, and forgets what was rolled back', () => {
    const form = (prefix: string) => ({ length: { min: 6, max: 9 }, alphabet: 'alphanumeric', prefix }) as const;
    const of = (campaign: string, version: number, ...prefixes: string[]): Change => {
      const { offer, ...plain } = card({ version });
      const forms = prefixes.map(form);
      return { do: 'card', card: { ...plain, offer: { ...offer, campaign }, ...(forms.length > 0 ? { forms } : {}) } };
    };
    expect(store.forms()).toEqual([]);
    change(of('spring', 1, 'A'), of('spring', 2, 'A', 'B'), of('summer', 1, 'B'), of('winter', 9));
    const prefixes = () => store.forms().map(({ prefix }) => prefix);
    expect(prefixes()).toEqual(['A', 'B']);
    store.begin();
    store.apply([of('winter', 10, 'C')], []);
    expect(prefixes()).toEqual(['A', 'B', 'C']);
    store.rollback();
    expect(prefixes()).toEqual(['A', 'B']);
  });

  it('chains the journal: numbers without gaps, the head beside it [G8, J2]', () => {
    change({ do: 'journal', body: boot(1) }, { do: 'journal', body: boot(2) });
    change({ do: 'journal', body: boot(3) });
    const entries = store.entries(1, 1, 99);
    expect(entries).toEqual(chainEntries({ epoch: 1, n: 0, hash: GENESIS_HASH }, [boot(1), boot(2), boot(3)]));
    expect(store.box().head).toEqual({ epoch: 1, n: 3, hash: entries[2]?.hash });
    expect(store.entries(1, 2, 1)).toEqual([entries[1]]);
    expect(store.epochs()).toEqual([{ epoch: 1, n: 3 }]);
    expect(store.hashAt({ epoch: 1, n: 0 })).toBe(GENESIS_HASH);
    expect(store.hashAt({ epoch: 1, n: 2 })).toBe(entries[1]?.hash);
    expect(store.hashAt({ epoch: 1, n: 4 })).toBeNull();
    expect(store.hashAt({ epoch: 2, n: 0 })).toBeNull();
  });

  it('reads within a transaction see what it has changed, and a rollback leaves nothing', () => {
    store.begin();
    store.apply(
      [
        { do: 'install', reservation: item() },
        { do: 'card', card: card() },
        { do: 'journal', body: boot(1) },
      ],
      chainEntries(store.box().head, [boot(1)]),
    );
    expect(store.code(CODE).open).toEqual([held()]);
    expect(store.cards('spring')).toEqual([card()]);
    expect(store.box().head.n).toBe(1);
    store.rollback();
    expect(store.code(CODE).open).toEqual([]);
    expect(store.cards('spring')).toEqual([]);
    expect(store.box().head.n).toBe(0);
    expect(store.entries(1, 1, 9)).toEqual([]);
    store.rollback();
  });

  it('holds reservations, found by code while active and by id for ever', () => {
    install();
    install({ reservation: 'res-00002', codeHash: OTHER, number: 4, origin: 'scan' });
    expect(store.code(CODE).open).toEqual([held()]);
    expect(store.holdings(1)).toEqual(['res-00001', 'res-00002']);
    expect(store.holdings(2)).toEqual([]);
    expect(store.installedUpTo(1, 3)).toEqual([held()]);
    change(
      { do: 'close', reservation: 'res-00001', as: 'redeemed' },
      { do: 'close', reservation: 'res-00002', as: 'returned' },
    );
    expect(store.code(CODE).open).toEqual([]);
    expect(store.reservation('res-00001')).toEqual(held({ state: 'redeemed' }));
    expect(store.reservation('res-00002')?.state).toBe('returned');
    expect(store.reservation('res-00003')).toBeNull();
    expect(store.installedUpTo(1, 9)).toEqual([]);
  });

  it('installs an id once, and closes it once: what was closed or buried never opens', () => {
    install();
    expect(() => install()).toThrow();
    change({ do: 'close', reservation: 'res-00001', as: 'returned' });
    expect(() => change({ do: 'close', reservation: 'res-00001', as: 'redeemed' })).toThrow();
    expect(() => install()).toThrow();
    change({ do: 'bury', reservation: 'res-00009', codeHash: CODE, generation: 0, epoch: 1 });
    expect(() => install({ reservation: 'res-00009' })).toThrow();
    expect(store.reservation('res-00009')?.state).toBe('returned');
    expect(() => change({ do: 'move_end', reservation: 'res-00001', notAfter: 9 })).toThrow();
  });

  it('one basket at a time uses a reservation, and it may move or come again', () => {
    install();
    change({ do: 'use', of: held(), use });
    expect(store.reservation('res-00001')?.use).toEqual(use);
    expect(() => change({ do: 'use', of: held(), use: { ...use, basket: 'B' } })).toThrow();
    change({ do: 'use', of: held(), use: { ...use, lane: null, until: 900 } });
    expect(store.code(CODE).open[0]?.use).toMatchObject({ lane: null, until: 900 });
    change({ do: 'end_use', reservation: 'res-00001', kept: true });
    expect(store.reservation('res-00001')?.use).toBeNull();
    expect(store.basket(DOOR, 'A').uses).toEqual([{ codeHash: CODE, lastFour: 'ABCD', isOpen: false }]);
    change({ do: 'use', of: held(), use: { ...use, basket: 'B' } });
    change({ do: 'end_use', reservation: 'res-00001', kept: false });
    expect(store.basket(DOOR, 'B').uses).toEqual([]);
    expect(() => change({ do: 'end_use', reservation: 'res-00001', kept: true })).toThrow();
  });

  it('keeps recall marks, with and without a deadline, until the reservation closes [G10]', () => {
    install();
    change({ do: 'mark', reservation: 'res-00001', mark: { deadline: 77 } });
    expect(store.reservation('res-00001')?.mark).toEqual({ deadline: 77 });
    change({ do: 'mark', reservation: 'res-00001', mark: { deadline: null } });
    expect(store.code(CODE).open[0]?.mark).toEqual({ deadline: null });
    change({ do: 'unmark', reservation: 'res-00001' });
    expect(store.reservation('res-00001')?.mark).toBeNull();
    change(
      { do: 'mark', reservation: 'res-00001', mark: { deadline: 77 } },
      { do: 'close', reservation: 'res-00001', as: 'returned' },
    );
    expect(store.reservation('res-00001')?.mark).toBeNull();
  });

  it('keeps answers by door, code and basket; a reversal is added to the redemption', () => {
    change({ do: 'answer', answer: answer() });
    const other = answer({ door: 'gateway:gw-00000002', redemption: null, reversal: { at: 6, pending: true } });
    change({ do: 'answer', answer: other });
    const reversed = answer({ reversal: { at: 9, pending: false } });
    change({ do: 'answer', answer: reversed });
    expect(store.code(CODE).answers).toEqual(expect.arrayContaining([reversed, other]));
    expect(store.code(CODE).answers).toHaveLength(2);
    expect(store.basket(DOOR, 'A').answers).toEqual([reversed]);
    expect(store.code(OTHER).answers).toEqual([]);
  });

  it('whatever the rules say, one reservation is redeemed by one basket', () => {
    change({ do: 'answer', answer: answer() });
    expect(() => change({ do: 'answer', answer: answer({ basket: 'B' }) })).toThrow();
    expect(store.code(CODE).answers).toHaveLength(1);
  });

  it('keeps every version of a card, the oldest first', () => {
    expect(store.cards('spring')).toEqual([]);
    change({ do: 'card', card: card({ version: 2 }) });
    expect(store.cards('spring').map(({ version }) => version)).toEqual([2]);
    change({ do: 'card', card: card() });
    expect(store.cards('spring').map(({ version }) => version)).toEqual([1, 2]);
    expect(store.cards('autumn')).toEqual([]);
  });

  it('tells when the oldest entry after another was made: the first that says so', () => {
    const time = (at: number): EntryBody => ({ kind: 'time', at, cause: 'anchor' });
    expect(store.oldestAt({ epoch: 1, n: 0 })).toBeNull();
    change({ do: 'journal', body: boot(1) }, { do: 'journal', body: time(70) });
    change({ do: 'journal', body: boot(2) }, { do: 'journal', body: time(50) }, { do: 'journal', body: boot(3) });
    expect([0, 1, 2, 3, 4, 9].map((n) => store.oldestAt({ epoch: 1, n }))).toEqual([70, 70, 50, 50, null, null]);
    expect(store.oldestAt({ epoch: 2, n: 0 })).toBeNull();
  });

  it('knows the last number of each epoch, in order', () => {
    expect(store.epochs()).toEqual([]);
    const entries = [1, 1, 4, 7].map((epoch, index) => ({
      epoch,
      n: index + 1,
      hash: GENESIS_HASH,
      body: boot(index),
    }));
    store.begin();
    store.apply([], entries);
    store.commit();
    expect(store.epochs()).toEqual([
      { epoch: 1, n: 2 },
      { epoch: 4, n: 3 },
      { epoch: 7, n: 4 },
    ]);
  });

  it('evidence that was received only grows, and counts as settled', () => {
    expect(hasUnsettled(store)).toBe(false);
    change({ do: 'journal', body: boot(1) }, { do: 'journal', body: boot(2) });
    expect(hasUnsettled(store)).toBe(true);
    change({ do: 'evidence', epoch: 1, n: 2 });
    change({ do: 'evidence', epoch: 1, n: 1 });
    expect(store.evidence(1)).toBe(2);
    expect(store.evidence(2)).toBe(0);
    expect(hasUnsettled(store)).toBe(false);
    change({ do: 'journal', body: boot(3) });
    change({ do: 'acknowledged', n: 3 });
    expect(hasUnsettled(store)).toBe(false);
  });

  it('keeps a blank with its text until it is issued or closed, and gives it to one basket alone [I2, I4]', () => {
    const sealed = 's'.repeat(64);
    change({ do: 'install', reservation: item({ origin: 'blank' }), sealed });
    expect(store.blank('spring')).toMatchObject({ reservation: 'res-00001', origin: 'blank' });
    expect(store.blank('autumn')).toBeNull();
    expect(store.holding(1)).toMatchObject({ holding: 0, blanks: 1 });
    const { offer } = card();
    const { codeHash } = item();
    const issue = {
      campaign: 'spring',
      basket: 'A',
      reservation: 'res-00001',
      codeHash,
      epoch: 1,
      n: 3,
      offer,
      until: 9,
    };
    change({ do: 'issue', issue });
    expect(store.issue('spring', 'A')).toEqual(issue);
    expect(store.issue('spring', 'B')).toBeNull();
    expect(store.issuedText('spring', 'A')).toBe(sealed);
    expect(() => store.issuedText('spring', 'B')).toThrow(TillUnavailable);
    expect(store.blank('spring')).toBeNull();
    expect(store.reservation('res-00001')?.origin).toBe('scan');
    expect(() => change({ do: 'issue', issue: { ...issue, basket: 'B' } })).toThrow();
    change({
      do: 'install',
      reservation: item({ reservation: 'res-00002', codeHash: OTHER, origin: 'blank' }),
      sealed,
    });
    expect(() => change({ do: 'issue', issue: { ...issue, reservation: 'res-00002' } })).toThrow('UNIQUE');
    change({ do: 'close', reservation: 'res-00002', as: 'returned' });
    expect(store.holding(1)).toMatchObject({ blanks: 0 });
  });

  it('counts what is held and in use, and the earliest end', () => {
    expect(store.holding(1)).toEqual({ holding: 0, inUse: 0, holdsUntil: null, blanks: 0 });
    install();
    install({ reservation: 'res-00002', codeHash: OTHER, notAfter: 900 });
    change({ do: 'use', of: held(), use });
    expect(store.holding(1)).toEqual({ holding: 2, inUse: 1, holdsUntil: 900, blanks: 0 });
  });

  it('counts blanks apart: how many of a campaign, their worth by the newest terms, and the earliest end', () => {
    install({ notAfter: 900 });
    const sealed = 's'.repeat(64);
    for (const [i, notAfter] of [800, 700].entries()) {
      const blank = {
        reservation: `res-0001${i}`,
        codeHash: CODE,
        notAfter,
        campaign: 'receipt',
        origin: 'blank' as const,
      };
      change({ do: 'install', reservation: item(blank), sealed });
    }
    expect(store.holding(1)).toEqual({ holding: 1, inUse: 0, holdsUntil: 900, blanks: 2 });
    expect(blanksHeld(store)).toEqual([{ campaign: 'receipt', units: 2, value: null, until: 700 }]);
    const offer = { ...card().offer, campaign: 'receipt' };
    change({ do: 'card', card: { ...card(), offer } });
    expect(blanksHeld(store)).toMatchObject([{ value: { amount: 1000, currency: 'USD' } }]);
  });

  it('finds what is due: ended and idle, used up, lapsed, fetched and idle', () => {
    const query = { epoch: 1, endedAt: 0, usedUntil: 0, usedBeyond: 9_999, lapsedAt: 0, fetchedToo: false, most: 100 };
    const due = (changes: Partial<typeof query>) =>
      store
        .due({ ...query, ...changes })
        .map(({ reservation }) => reservation)
        .sort();
    install();
    install({ reservation: 'res-00002', origin: 'scan', notAfter: 2000 });
    install({ reservation: 'res-00003', epoch: 0 });
    change({ do: 'use', of: held(), use }, { do: 'mark', reservation: 'res-00001', mark: { deadline: 700 } });
    expect(due({})).toEqual([]);
    expect(due({ endedAt: 1999 })).toEqual([]);
    expect(due({ endedAt: 2000 })).toEqual(['res-00002']);
    expect(due({ usedUntil: 499 })).toEqual([]);
    expect(due({ usedUntil: 500 })).toEqual(['res-00001']);
    expect(due({ usedBeyond: 499 })).toEqual(['res-00001']);
    expect(due({ lapsedAt: 700 })).toEqual(['res-00001']);
    expect(due({ fetchedToo: true })).toEqual(['res-00002']);
    expect(due({ endedAt: 2000, usedUntil: 500, most: 1 })).toHaveLength(1);
    change({ do: 'use', of: held({ reservation: 'res-00002' }), use: { ...use, basket: 'B' } });
    expect(due({ endedAt: 2000, fetchedToo: true })).toEqual([]);
  });
});

describe('the till’s store on a disk', () => {
  const path = () => join(root, 'till.db');
  beforeEach(() => {
    store = new SqliteTillStore(path());
  });

  it('where no box was made says so', () => {
    expect(store.isMade()).toBe(false);
    expect(hasUnsettled(store)).toBe(false);
    expect(() => store.box()).toThrow(TillUnavailable);
  });

  it('finds everything again when it is opened anew, and what was not committed is gone', () => {
    store.make(BOX);
    install();
    change({ do: 'use', of: held(), use }, { do: 'journal', body: boot(1) });
    const before = [store.box(), store.reservation('res-00001'), store.entries(1, 1, 9)];
    store.begin();
    store.apply([{ do: 'floor', number: 99 }], []);
    store.close();
    store = new SqliteTillStore(path());
    expect([store.box(), store.reservation('res-00001'), store.entries(1, 1, 9)]).toEqual(before);
  });

  it('of before has reservations without anything of their own, and takes others [P13]', () => {
    store.make(BOX);
    install();
    store.close();
    const before = new Sqlite(path());
    before.exec(
      'ALTER TABLE reservations DROP COLUMN personal; DROP TABLE blanks; DROP TABLE issues; DROP TABLE scans',
    );
    before.pragma('user_version = 1');
    before.close();
    store = new SqliteTillStore(path());
    expect(store.reservation('res-00001')).toEqual(held());
    install({ reservation: 'res-00002', codeHash: OTHER, personal: { title: 'Hello' } });
    expect(store.reservation('res-00002')?.personal).toEqual({ title: 'Hello' });
  });

  it('a checkpoint moves what was committed into the file, and no more', () => {
    store.make(BOX);
    const fileAlone = () => {
      const alone = join(root, 'alone.db');
      writeFileSync(alone, readFileSync(path()));
      const copy = new SqliteTillStore(alone);
      const isThere = copy.isMade() && copy.reservation('res-00001') !== null;
      copy.close();
      return isThere;
    };
    install();
    expect(fileAlone()).toBe(false);
    store.checkpoint();
    expect(fileAlone()).toBe(true);
    expect(store.holdings(1)).toEqual(['res-00001']);
  });

  it('keeps a write-ahead log', () => {
    store.make(BOX);
    const other = new Sqlite(path(), { readonly: true });
    expect(other.pragma('journal_mode', { simple: true })).toBe('wal');
    other.close();
  });

  it('after it was closed is unavailable, and that is no crash', () => {
    store.make(BOX);
    store.close();
    expect(() => store.box()).toThrow();
    store.rollback();
  });

  it.each([
    ['is no database', () => Buffer.from('this is not a database, whatever its name says'.repeat(100))],
    ['has a page overwritten', () => readFileSync(path()).fill(0xff, 4096, 3 * 4096)],
    ['is cut short', () => readFileSync(path()).subarray(0, 6 * 4096 + 100)],
  ])('a file that %s is one clear error', (_, damage) => {
    store.make(BOX);
    install();
    store.close();
    writeFileSync(path(), damage());
    expect(() => new SqliteTillStore(path())).toThrow(TillDataBroken);
  });

  it('a directory that is not there, or is a file, is the same error', () => {
    expect(() => new SqliteTillStore(join(root, 'nowhere', 'till.db'))).toThrow(TillDataBroken);
    expect(() => new SqliteTillStore(join(path(), 'till.db'))).toThrow(TillDataBroken);
  });

  it('data of a newer Tearline are left alone', () => {
    store.make(BOX);
    store.close();
    const db = new Sqlite(path());
    db.pragma('user_version = 99');
    db.close();
    expect(() => new SqliteTillStore(path())).toThrow(/newer/);
  });

  it('a row that is not what was written is unavailable, never a decision', () => {
    store.make(BOX);
    change({ do: 'answer', answer: answer() }, { do: 'journal', body: boot(1) });
    const db = new Sqlite(path());
    db.exec(`UPDATE answers SET redemption = '{"id":7}'; UPDATE journal SET body = '{'; UPDATE box SET fence = 'x'`);
    db.close();
    expect(() => store.code(CODE)).toThrow(TillUnavailable);
    expect(() => store.entries(1, 1, 9)).toThrow(TillUnavailable);
    expect(() => store.box()).toThrow(TillUnavailable);
  });

  it('data that another process holds for long are unavailable, and available after', () => {
    store.make(BOX);
    const other = new Sqlite(path());
    other.exec('BEGIN IMMEDIATE');
    expect(() => store.begin()).toThrow(TillUnavailable);
    other.exec('ROLLBACK');
    other.close();
    change({ do: 'floor', number: 5 });
    expect(store.box().floor).toBe(5);
  });
});
