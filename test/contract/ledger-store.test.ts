import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { chain, entryOf } from '../../cloud/ledger/chain.ts';
import { CODE_STATES, type FedRow, type GatewayRow } from '../../cloud/ledger/code-rules.ts';
import { LedgerUnavailable } from '../../cloud/ledger/port.ts';
import { type Database, DatabaseUnusable, openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import { type Batch, DuplicateCode, type LedgerStore, LostRace, NOTHING } from '../../cloud/ledger/store.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { chainEntries, GENESIS_HASH } from '../../protocol/journal.ts';
import {
  campaignWith,
  cardWith,
  cartWait,
  codeWith,
  dollars,
  gatewayWith,
  HASH,
  hashOfDigit,
  NOW,
  OTHER_BOX,
  redemptionWith,
  reservationWith,
  STORE_BOX,
  wantWait,
} from '../rules/ledger-rows.ts';

/** What every store of the ledger must do, whatever database is under it. */

const beat = (n: number) => ({ type: 'beat', body: { beat: `beat-${n}`, now: NOW } }) as const;
const HASHES = ['c', 'd', 'e'].map(hashOfDigit);

type OpenStore = { readonly store: LedgerStore; readonly tamper: (sql: string) => void };

function ledgerStoreSuite(name: string, open: () => OpenStore): void {
  describe(name, () => {
    let store: LedgerStore;
    let tamper: OpenStore['tamper'];
    beforeEach(async () => {
      ({ store, tamper } = open());
      await seed(store);
    });
    afterEach(() => store.close());

    const write = (batch: Partial<Batch>) => store.transaction((tx) => tx.write({ ...NOTHING, ...batch }));
    const code = async (hash: CodeHash = HASH) => (await store.read((tx) => tx.codes([hash])))[0];
    const moved = { row: codeWith({ state: 'reserved', reservation: 'reservation-1', version: 1 }), seenVersion: 0 };

    test('changes a code that is as it was read, and gives it back as it was written', async () => {
      const row = codeWith({
        ...{ state: 'held', version: 1, generation: 2, voidMark: true, restockAfter: NOW },
        ...{ hold: { client: 'shop', basket: 'cart-1', until: NOW + 9 } },
      });
      await write({ codes: [{ row, seenVersion: 0 }] });
      expect(await code()).toEqual(row);
    });

    describe('of a stack made elsewhere', () => {
      const stack = 'stack-0002';
      const [one, other, third] = ['7', '8', '9'].map(hashOfDigit) as [CodeHash, CodeHash, CodeHash];
      const put = () =>
        store.transaction((tx) => tx.putStack({ id: stack, campaign: 'spring', count: 3, at: NOW, isImported: true }));
      const stage = (chunk: number, ...hashes: CodeHash[]) =>
        store.transaction((tx) =>
          tx.stage({
            ...{ stack, chunk, campaign: 'spring', sealed: Buffer.from(`chunk ${chunk}`) },
            codes: hashes.map((hash) => ({ hash, lastFour: '*001' })),
          }),
        );
      const issue = (chunk: number, ...hashes: CodeHash[]) =>
        store.transaction((tx) =>
          tx.issue({
            ...{ stack, chunk, campaign: 'spring', dealt: false, sealed: null, entries: [] },
            codes: hashes.map((hash) => ({ hash, lastFour: '*001' })),
          }),
        );
      const taken = () => store.read((tx) => tx.taken([one, other, third, HASH]));
      const row = () => store.read((tx) => tx.stack(stack));

      test('keeps a staged code from being made again, and lets nobody know it [F13]', async () => {
        await put();
        await stage(0, one, other);
        expect(await code(one)).toBeUndefined();
        expect(await taken()).toEqual([one, other, HASH]);
        expect((await store.read(async (tx) => (await tx.counts('spring')).units)).issued).toBe(HASHES.length);
        await expect(stage(1, third, one)).rejects.toBeInstanceOf(DuplicateCode);
        await expect(stage(1, HASH)).rejects.toBeInstanceOf(DuplicateCode);
        expect(await taken()).toEqual([one, other, HASH]);
        expect(await store.read((tx) => tx.stackChunk(stack, 1))).toBeNull();
      });

      test('issues what was staged, chunk by chunk, once the stack is whole [F13]', async () => {
        await put();
        await stage(0, one, other);
        await stage(1, third);
        expect(await store.read((tx) => tx.comingStacks())).toEqual([stack]);
        expect(await store.read((tx) => tx.unfinishedStacks())).not.toContain(stack);
        await store.transaction((tx) => tx.makeWhole(stack));
        expect(await store.read((tx) => tx.comingStacks())).toEqual([]);
        expect(await store.read((tx) => tx.unfinishedStacks())).toContain(stack);
        await issue(0, one, other);
        expect(await row()).toEqual({ campaign: 'spring', count: 3, issued: 2, isImported: true });
        expect(await code(one)).toMatchObject({ state: 'issued', lastFour: '*001', version: 0 });
        expect(await code(third)).toBeUndefined();
        await issue(1, third);
        expect(await store.read((tx) => tx.unfinishedStacks())).not.toContain(stack);
        expect((await store.read(async (tx) => (await tx.counts('spring')).units)).issued).toBe(HASHES.length + 3);
        await expect(issue(1, third)).rejects.toThrow();
      });

      test('leaves nothing of what was staged and did not become whole [F13]', async () => {
        await put();
        await stage(0, one, other);
        await store.transaction((tx) => tx.unstage({ stack, chunk: 0, codes: [one, other] }));
        await store.transaction((tx) => tx.dropStack(stack));
        expect([await taken(), await row(), await store.read((tx) => tx.stackChunk(stack, 0))]).toEqual([
          [HASH],
          null,
          null,
        ]);
      });

      test('never takes back what is whole [F13]', async () => {
        await put();
        await stage(0, one);
        await store.transaction((tx) => tx.makeWhole(stack));
        await expect(store.transaction((tx) => tx.unstage({ stack, chunk: 0, codes: [one] }))).rejects.toThrow();
        await expect(store.transaction((tx) => tx.dropStack(stack))).rejects.toThrow();
        await expect(store.transaction((tx) => tx.makeWhole(stack))).rejects.toThrow();
        expect(await taken()).toEqual([one, HASH]);
      });
    });

    test('loses the race for a code that another changed meanwhile, and keeps nothing of the batch [A4]', async () => {
      await write({ codes: [moved] });
      const late = { ...moved, row: { ...moved.row, state: 'voided' as const } };
      const other = { row: codeWith({ hash: hashOfDigit('d'), version: 1, state: 'voided' }), seenVersion: 0 };
      await expect(write({ codes: [other, late], gateways: [gatewayWith({ number: 99 })] })).rejects.toBeInstanceOf(
        LostRace,
      );
      expect(await code()).toMatchObject({ state: 'reserved', version: 1 });
      expect(await code(hashOfDigit('d'))).toMatchObject({ state: 'issued', version: 0 });
      expect((await store.read((tx) => tx.gateways([STORE_BOX])))[0]?.number).toBe(10);
    });

    test('takes one redemption for a code and a generation, whichever door it comes from [A5]', async () => {
      await write({ redemptions: [redemptionWith()] });
      const second = redemptionWith({ id: 'redemption-2', door: 'cart:shop', basket: 'cart-1', reservation: null });
      await expect(write({ redemptions: [second] })).rejects.toThrow(/UNIQUE|unique/);
      await write({ redemptions: [{ ...second, generation: 1 }] });
      expect(
        (await store.read((tx) => tx.redemptions(['redemption-1', 'redemption-2']))).map(
          ({ generation }) => generation,
        ),
      ).toEqual([0, 1]);
    });

    test('marks a redemption reversed and changes nothing else of it [A5]', async () => {
      await write({ redemptions: [redemptionWith()] });
      await write({ redemptions: [redemptionWith({ reversed: true, basket: 'another', at: 1 })] });
      expect(await store.read((tx) => tx.redemptionsOfBasket(redemptionWith().door, 'sale-1'))).toEqual([
        redemptionWith({ reversed: true }),
      ]);
    });

    test('leaves nothing of a transaction that throws, and goes on with the next [C7]', async () => {
      const failing = store.transaction(async (tx) => {
        await tx.write({ ...NOTHING, codes: [moved], messages: [{ gateway: STORE_BOX, epoch: 1, message: beat(1) }] });
        throw new Error('a defect');
      });
      const following = write({ gateways: [gatewayWith({ number: 11 })] });
      await expect(failing).rejects.toThrow('a defect');
      await following;
      expect(await code()).toMatchObject({ state: 'issued' });
      expect(await store.read((tx) => tx.outbox(STORE_BOX, 0, 10))).toEqual([]);
      expect((await store.read((tx) => tx.gateways([STORE_BOX])))[0]?.number).toBe(11);
    });

    test('runs transactions one after another, each seeing what the one before wrote [A4]', async () => {
      const raise = () =>
        store.transaction(async (tx) => {
          const [row] = await tx.codes([HASH]);
          if (row === undefined) throw new Error('no code');
          await new Promise(setImmediate);
          await tx.write({
            ...NOTHING,
            codes: [{ row: { ...row, version: row.version + 1 }, seenVersion: row.version }],
          });
        });
      await Promise.all(Array.from({ length: 20 }, raise));
      expect((await code())?.version).toBe(20);
    });

    test('keeps entries for good: none is changed, removed or written over [J4]', async () => {
      const [entry] = chain([], [entryOf(HASH, NOW, { kind: 'grant' })]);
      if (entry === undefined) throw new Error('no entry');
      await write({ entries: [entry] });
      await expect(write({ entries: [{ ...entry, body: '{}' }] })).rejects.toThrow();
      expect(() => tamper("UPDATE entries SET body = '{}'")).toThrow(/append-only/);
      expect(() => tamper('DELETE FROM entries')).toThrow(/append-only/);
      expect(await store.read((tx) => tx.entriesOfCode(HASH))).toEqual([entry]);
    });

    test('gives the head of each partition and its entries in order [J4]', async () => {
      const first = chain(
        [],
        [entryOf(HASH, NOW, { n: 1 }), entryOf(hashOfDigit('d'), NOW, { n: 1 }), entryOf(HASH, NOW, { n: 2 })],
      );
      await write({ entries: first });
      const heads = await store.read((tx) => tx.heads([12, 13, 14]));
      expect(heads.map(({ partition, n }) => [partition, n])).toEqual([
        [12, 2],
        [13, 1],
      ]);
      await write({ entries: chain(heads, [entryOf(HASH, NOW, { n: 3 })]) });
      expect((await store.read((tx) => tx.entriesAfter(12, 1, 10))).map(({ n, body }) => [n, body])).toEqual([
        [2, '{"n":2}'],
        [3, '{"n":3}'],
      ]);
      expect(await verifyLedger(store)).toEqual({ ok: true, entries: 4 });
    });

    test('gives messages in the order in which they were queued, each box its own, until they are published', async () => {
      const to = (gateway: string, n: number, epoch = 1) => ({ gateway, epoch, message: beat(n) });
      await write({ messages: [to(STORE_BOX, 1), to(OTHER_BOX, 2), to(STORE_BOX, 3)] });
      await write({ messages: [to(STORE_BOX, 4, 2)] });
      const rows = await store.read((tx) => tx.outbox(STORE_BOX, 0, 10));
      expect(rows.map(({ epoch, message }) => [epoch, message])).toEqual([
        [1, beat(1)],
        [1, beat(3)],
        [2, beat(4)],
      ]);
      expect(rows.map(({ seq }) => seq)).toEqual([...rows.map(({ seq }) => seq)].sort((a, b) => a - b));
      expect(await store.read((tx) => tx.outbox(STORE_BOX, rows[0]?.seq ?? 0, 1))).toEqual([rows[1]]);
      await write({ published: [rows[0]?.seq ?? 0, rows[2]?.seq ?? 0] });
      expect(await store.read((tx) => tx.outbox(STORE_BOX, 0, 10))).toEqual([rows[1]]);
      expect([...(await store.read((tx) => tx.outboxGateways()))].sort()).toEqual([STORE_BOX, OTHER_BOX]);
    });

    test('never gives a place in the queue twice, also when the queue was empty in between', async () => {
      const seqs: number[] = [];
      for (let i = 0; i < 3; i += 1) {
        await write({ messages: [{ gateway: STORE_BOX, epoch: 1, message: beat(i) }] });
        const [row] = await store.read((tx) => tx.outbox(STORE_BOX, 0, 10));
        seqs.push(row?.seq ?? 0);
        await write({ published: [row?.seq ?? 0] });
      }
      expect(seqs[1]).toBeGreaterThan(seqs[0] ?? 0);
      expect(seqs[2]).toBeGreaterThan(seqs[1] ?? 0);
    });

    test('counts the units of each state in the transaction that moves them [S10]', async () => {
      const none = Object.fromEntries(CODE_STATES.map((state) => [state, 0]));
      const units = () => store.read(async (tx) => (await tx.counts('spring')).units);
      expect(await units()).toEqual({ ...none, issued: 3 });
      await write({ units: new Map([['spring', { issued: -2, reserved: 2 }]]) });
      await write({ units: new Map([['spring', { reserved: -1, redeemed: 1 }]]) });
      await expect(
        store.transaction(async (tx) => {
          await tx.write({ ...NOTHING, units: new Map([['spring', { issued: -1, voided: 1 }]]) });
          throw new Error('rolled back');
        }),
      ).rejects.toThrow('rolled back');
      expect(await units()).toEqual({ ...none, issued: 1, reserved: 1, redeemed: 1 });
    });

    describe('of codes with a value of their own', () => {
      const SEVEN = {
        title: '$7 off',
        discount: { type: 'amount', amount: 700, currency: 'USD' },
        minimumBasket: null,
        terms: 'For Anna.',
      } as const;
      const own = async () => {
        const { issued, reserved } = (await store.read((tx) => tx.counts('spring'))).own;
        return { issued, reserved };
      };

      test('keeps what they have, and counts them beside the others in the transaction that moves them [P13, S10]', async () => {
        const row = codeWith({ version: 1, personal: SEVEN });
        const none = { units: 0, value: 0 };
        await write({
          codes: [{ row, seenVersion: 0 }],
          own: new Map([['spring', { issued: { units: 1, value: 700 } }]]),
        });
        expect(await code()).toEqual(row);
        expect(await own()).toEqual({ issued: { units: 1, value: 700 }, reserved: none });
        const moves = { issued: { units: -1, value: -700 }, reserved: { units: 1, value: 700 } };
        await write({
          codes: [{ row: { ...row, state: 'reserved', reservation: 'reservation-1', version: 2 }, seenVersion: 1 }],
          reservations: [reservationWith()],
          own: new Map([['spring', moves]]),
        });
        expect(await own()).toEqual({ issued: none, reserved: { units: 1, value: 700 } });
        expect(await store.read((tx) => tx.countHeldBy([STORE_BOX]))).toMatchObject([
          { units: 1, own: { units: 1, value: 700 } },
        ]);
        const exception = {
          what: 'redeemed_twice',
          gateway: STORE_BOX,
          codeHash: HASH,
          ours: 'reserved',
          theirs: 'redeemed',
        };
        await write({ exceptions: [{ ...exception, id: 'exception-1', at: NOW }] });
        expect(await store.read((tx) => tx.exceptions(9))).toMatchObject([{ ownValue: 700 }]);
      });

      test('issues them with it from the beginning [P13, S10]', async () => {
        const codes = [
          { hash: hashOfDigit('f'), lastFour: 'AAAA', personal: SEVEN },
          { hash: hashOfDigit('0'), lastFour: 'BBBB', personal: { title: 'Hello' } },
        ];
        const sealed = Buffer.from('sealed');
        await store.transaction((tx) =>
          tx.issue({ stack: 'stack-0001', chunk: 1, campaign: 'spring', dealt: false, sealed, codes, entries: [] }),
        );
        expect((await code(hashOfDigit('f')))?.personal).toEqual(SEVEN);
        expect((await code(hashOfDigit('0')))?.personal).toEqual({ title: 'Hello' });
        expect((await own()).issued).toEqual({ units: 1, value: 700 });
        expect((await store.read(async (tx) => (await tx.counts('spring')).units)).issued).toBe(HASHES.length + 2);
      });
    });

    test('keeps every version of a campaign’s terms, the oldest first, and never writes one twice [P8]', async () => {
      const [campaign] = await store.read((tx) => tx.campaigns(['spring']));
      if (campaign === undefined) throw new Error('no campaign');
      const next = { ...campaign, terms: 'Not on Sundays.', changedAt: NOW + 1, card: cardWith({ version: 2 }) };
      await write({ versions: [campaign] });
      await write({ versions: [next] });
      expect((await store.read((tx) => tx.campaigns(['spring'])))[0]).toEqual(next);
      const { issuedUnits: _units, issuedValue: _value, ...terms } = next;
      expect(await store.read((tx) => tx.campaignVersions('spring'))).toEqual([
        expect.objectContaining({ terms: null, changedAt: NOW }),
        terms,
      ]);
      await expect(write({ versions: [next] })).rejects.toThrow();
    });

    test('lists redemptions under old terms, the newest first, with their code [P8]', async () => {
      const second = redemptionWith({ id: 'redemption-2', codeHash: hashOfDigit('d'), at: NOW, oldTerms: true });
      const first = redemptionWith({ oldTerms: true });
      await write({
        redemptions: [first, second, redemptionWith({ id: 'redemption-3', codeHash: hashOfDigit('e') })],
        oldTerms: [first, second].map(({ id }) => ({ redemption: id, used: 1, inForce: 3 })),
      });
      const listed = await store.read((tx) => tx.oldTerms(9));
      const code = { lastFour: '8WNS', campaign: 'spring', personal: null };
      expect(listed).toEqual([
        { redemption: 'redemption-2', used: 1, inForce: 3, sale: second, code },
        { redemption: 'redemption-1', used: 1, inForce: 3, sale: first, code },
      ]);
      expect(await store.read((tx) => tx.oldTerms(1))).toHaveLength(1);
    });

    test('issues a chunk whole or not at all: a code that exists already is told apart from a defect [S10]', async () => {
      const chunk = {
        stack: 'stack-0001',
        chunk: 1,
        campaign: 'spring',
        dealt: false,
        sealed: Buffer.from('sealed'),
        entries: [],
      };
      const codes = [hashOfDigit('f'), HASH].map((hash) => ({ hash, lastFour: 'AAAA' }));
      await expect(store.transaction((tx) => tx.issue({ ...chunk, codes }))).rejects.toBeInstanceOf(DuplicateCode);
      expect(await code(hashOfDigit('f'))).toBeUndefined();
      expect(await store.read(async (tx) => (await tx.counts('spring')).units)).toMatchObject({ issued: 3 });
      expect(await store.read((tx) => tx.stackChunk('stack-0001', 1))).toBeNull();
      await store.transaction((tx) => tx.issue({ ...chunk, codes: codes.slice(0, 1) }));
      expect(await store.read(async (tx) => (await tx.counts('spring')).units)).toMatchObject({ issued: 4 });
      expect(await store.read((tx) => tx.unfinishedStacks())).toEqual([]);
    });

    test('refuses a campaign more than its caps allow, whoever asks [S10]', async () => {
      const over = (issuedUnits: number) =>
        store.transaction(async (tx) => {
          const [campaign] = await tx.campaigns(['spring']);
          if (campaign !== undefined)
            await tx.putCampaign({ ...campaign, cap: { units: 5, value: null }, issuedUnits });
        });
      await over(5);
      await expect(over(6)).rejects.toThrow();
    });

    test('knows what a box holds: open reservations that their codes are under', async () => {
      const under = (digit: string, state: 'reserved' | 'in_doubt' | 'void_pending') => ({
        row: codeWith({ hash: hashOfDigit(digit), state, version: 1, reservation: `reservation-${digit}` }),
        seenVersion: 0,
      });
      const held = (digit: string, changes = {}) =>
        reservationWith({ id: `reservation-${digit}`, codeHash: hashOfDigit(digit), ...changes });
      await write({
        codes: [under('c', 'reserved'), under('d', 'in_doubt')],
        reservations: [held('c'), held('d', { notAfter: NOW + 5 }), held('e', { state: 'returned' })],
      });
      expect([...(await store.read((tx) => tx.codesHeldBy(STORE_BOX)))].sort()).toEqual([
        hashOfDigit('c'),
        hashOfDigit('d'),
      ]);
      expect(await store.read((tx) => tx.codesHeldBy(OTHER_BOX))).toEqual([]);
      expect(await store.read((tx) => tx.anyHeldEndsBefore(STORE_BOX, NOW + 6))).toBe(true);
      expect(await store.read((tx) => tx.anyHeldEndsBefore(STORE_BOX, NOW + 5))).toBe(false);
      const counts = await store.read((tx) => tx.countHeldBy([STORE_BOX, OTHER_BOX]));
      expect(counts.map(({ state, units }) => [state, units]).sort()).toEqual([
        ['in_doubt', 1],
        ['reserved', 1],
      ]);
    });

    test('knows what is due: holds, reservations, recalls and waits, each once its time has come', async () => {
      const hold = { client: 'shop', basket: 'cart-1', until: NOW };
      const recall = { why: 'wanted', deadline: NOW } as const;
      const reserved = codeWith({
        hash: hashOfDigit('d'),
        state: 'reserved',
        version: 1,
        reservation: 'reservation-d',
      });
      await write({
        codes: [
          { row: codeWith({ state: 'held', version: 1, hold }), seenVersion: 0 },
          { row: reserved, seenVersion: 0 },
        ],
        reservations: [reservationWith({ id: 'reservation-d', codeHash: hashOfDigit('d'), notAfter: NOW, recall })],
        waits: [cartWait({ until: NOW }), wantWait({ until: NOW + 1 })],
      });
      const due = (at: number) =>
        store.read(async (tx) => ({
          holds: await tx.holdsEnded(at, 9),
          ended: await tx.reservationsEnded(at, 9),
          lapsed: await tx.recallsLapsed(at, 9),
          waits: await tx.waitsEnded(at),
        }));
      expect(await due(NOW - 1)).toEqual({ holds: [], ended: [], lapsed: [], waits: [] });
      expect(await due(NOW)).toEqual({
        holds: [HASH],
        ended: [hashOfDigit('d')],
        lapsed: [hashOfDigit('d')],
        waits: [HASH],
      });
    });

    test('does not find a recall due of a reservation that its code is no longer under: it would come again for ever', async () => {
      const recall = { why: 'sync', deadline: NOW } as const;
      await write({ reservations: [reservationWith({ recall })] });
      expect(await store.read((tx) => tx.recallsLapsed(NOW, 9))).toEqual([]);
    });

    test('deals what is free, not voided and not just come back', async () => {
      const dealt = (at: number) => store.read((tx) => tx.codesToDeal('spring', at, 9));
      await write({ codes: [{ row: codeWith({ version: 1, restockAfter: NOW + 1 }), seenVersion: 0 }] });
      expect([...(await dealt(NOW))].sort()).toEqual([hashOfDigit('d'), hashOfDigit('e')]);
      expect([...(await dealt(NOW + 1))].sort()).toEqual(HASHES);
    });

    test('gives who waits in the order of asking, until the wait is ended [C3]', async () => {
      await write({ waits: [wantWait(), cartWait()] });
      expect(await store.read((tx) => tx.waits([HASH]))).toEqual([wantWait(), cartWait()]);
      await write({ waitsEnded: ['wait-of-want'] });
      expect(await store.read((tx) => tx.waits([HASH]))).toEqual([cartWait()]);
    });

    test('keeps a reversal by door, code and basket, and the record of what a basket did', async () => {
      const reversal = {
        ...{ door: 'cart:shop', codeHash: HASH, basket: 'cart-1', redemption: null },
        ...{ state: 'pending' as const, reason: 'cancelled', at: NOW, askers: [OTHER_BOX] },
      };
      await write({ reversals: [reversal] });
      await write({ reversals: [{ ...reversal, state: 'done', askers: [], redemption: 'redemption-1' }] });
      const done = { ...reversal, state: 'done', askers: [], redemption: 'redemption-1' };
      expect(await store.read((tx) => tx.reversals([HASH]))).toEqual([done]);
      const use = {
        door: 'cart:shop',
        basket: 'cart-1',
        codeHash: HASH,
        lastFour: '8WNS',
        state: 'in_use' as const,
        redemption: null,
      };
      await write({ uses: [use] });
      await write({ uses: [{ ...use, state: 'released' }] });
      expect(await store.read((tx) => tx.uses('cart:shop', 'cart-1'))).toEqual([{ ...use, state: 'released' }]);
    });

    test('keeps what a feed told of a code and basket, once, and the store that it named [C15]', async () => {
      const told: FedRow = {
        ...{ door: 'feed:tills', codeHash: HASH, basket: 'sale-1', what: 'redeemed', store: '0001', lane: '3' },
        ...{ total: dollars(42), at: NOW - 9, fedAt: NOW, outcome: 'taken', reason: null, redemption: 'redemption-1' },
      };
      const undone: FedRow = { ...told, what: 'reversed', total: null, lane: null, reason: 'window_over' };
      const redemption = redemptionWith({ door: 'feed:tills', reservation: null, epoch: 0, fedStore: '0001' });
      await write({ fed: [told, undone], redemptions: [redemption] });
      expect((await store.read((tx) => tx.fed([HASH]))).toSorted((a, b) => (a.what < b.what ? -1 : 1))).toEqual([
        told,
        undone,
      ]);
      expect(await store.read((tx) => tx.redemptions([redemption.id]))).toEqual([redemption]);
      await expect(write({ fed: [{ ...told, outcome: 'exception' }] })).rejects.toThrow();
    });

    test("keeps a box's journal once, and evidence beside it [C2, J4]", async () => {
      const head = { epoch: 1, n: 0, hash: GENESIS_HASH };
      const time = (at: number) => ({ kind: 'time' as const, at, cause: 'anchor' as const });
      const [entry] = chainEntries(head, [time(NOW)]);
      const [other] = chainEntries(head, [time(NOW + 1)]);
      if (entry === undefined || other === undefined) throw new Error('no entry');
      const row = { ...entry, gateway: STORE_BOX, before: GENESIS_HASH, evidence: false };
      await write({ journals: [row] });
      await write({ journals: [row, { ...row, ...other, evidence: true }] });
      const { gateway: _, ...stored } = row;
      expect(await store.read((tx) => tx.journalAfter(STORE_BOX, 1, 0, 9))).toEqual([stored]);
      expect(await store.read((tx) => tx.journalHash(STORE_BOX, 1, 1))).toBe(entry.hash);
      expect(await store.read((tx) => tx.journalHash(STORE_BOX, 1, 2))).toBeNull();
    });

    test('tells of an entry that was changed behind its back, by partition and number [J4]', async () => {
      await write({
        entries: chain([], [entryOf(HASH, NOW, { n: 1 }), entryOf(HASH, NOW, { n: 2 }), entryOf(HASH, NOW, { n: 3 })]),
      });
      tamper('DROP TRIGGER entries_never_change; UPDATE entries SET at = at + 1 WHERE partition = 12 AND n = 2');
      expect(await verifyLedger(store)).toEqual({ ok: false, first: 'partition 12, entry 2: its hash does not fit' });
    });
  });
}

async function seed(store: LedgerStore): Promise<void> {
  await store.transaction(async (tx) => {
    const box = (row: GatewayRow) => row;
    await tx.putStore({ id: '0001', name: 'Main Street', timeZone: 'UTC', address: null });
    await tx.putCampaign({
      ...campaignWith(),
      ...{ changedAt: NOW, issuedUnits: 3, issuedValue: dollars(15).amount },
    });
    await tx.putStack({ id: 'stack-0001', campaign: 'spring', count: 4, at: NOW, isImported: false });
    const codes = HASHES.map((hash) => ({ hash, lastFour: '8WNS' }));
    await tx.issue({
      stack: 'stack-0001',
      chunk: 0,
      campaign: 'spring',
      dealt: true,
      sealed: Buffer.from('sealed'),
      codes,
      entries: [],
    });
    await tx.write({ ...NOTHING, gateways: [box(gatewayWith()), box(gatewayWith({ id: OTHER_BOX }))] });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'ledger-store-'));
const opened: Database[] = [];
let files = 0;

function openAt(path: string): OpenStore {
  const database = openDatabase(path);
  opened.push(database);
  return { store: sqliteLedgerStore(database), tamper: (sql) => database.raw.exec(sql) };
}

afterAll(() => {
  for (const { raw } of opened) if (raw.open) raw.close();
  rmSync(folder, { recursive: true });
});

const newFile = (): string => {
  files += 1;
  return join(folder, `${files}.db`);
};

ledgerStoreSuite('the SQLite store in a file', () => openAt(newFile()));
ledgerStoreSuite('the SQLite store in memory', () => openAt(':memory:'));

describe('a SQLite file', () => {
  test('has on disk what was answered: whoever opens it next finds it [C7]', async () => {
    const path = newFile();
    const { store } = openAt(path);
    await seed(store);
    await store.transaction((tx) => tx.putIncarnation(`1-${'0'.repeat(32)}`));
    // A second process, while the first one has not closed anything.
    const second = openAt(path).store;
    expect(await second.read((tx) => tx.incarnation())).toBe(`1-${'0'.repeat(32)}`);
    expect(await second.read((tx) => tx.codes([HASH]))).toMatchObject([{ state: 'issued' }]);
    await second.close();
    await store.close();
    const third = openAt(path).store;
    expect(await third.read(async (tx) => (await tx.counts('spring')).units)).toMatchObject({ issued: 3 });
  });

  test('is read as committed: a transaction under way is not seen [C7]', async () => {
    const { store } = openAt(newFile());
    await seed(store);
    const seen: (number | undefined)[] = [];
    const look = async () => seen.push((await store.read((tx) => tx.gateways([STORE_BOX])))[0]?.number);
    await store.transaction(async (tx) => {
      await tx.write({ ...NOTHING, gateways: [gatewayWith({ number: 99 })] });
      await look();
    });
    await look();
    expect(seen).toEqual([10, 99]);
  });

  test('commits with synchronous = FULL in WAL mode [C7]', () => {
    const database = openDatabase(newFile());
    opened.push(database);
    expect(database.raw.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.raw.pragma('synchronous', { simple: true })).toBe(2);
  });

  test('of before knows its campaigns’ terms as their first version [P8]', async () => {
    const path = newFile();
    const before = new Sqlite(path);
    const schema = join(import.meta.dirname, '../../cloud/ledger/schema');
    const steps = readdirSync(schema)
      .sort()
      .filter((name) => name < '005');
    for (const step of steps) before.exec(readFileSync(join(schema, step), 'utf8'));
    before.pragma(`user_version = ${steps.length}`);
    const body = { card: cardWith({ version: 7 }), condition: null, terms: null, picture: null };
    before
      .prepare('INSERT INTO campaigns (id, body, face_value) VALUES (?, ?, 500)')
      .run('spring', JSON.stringify({ ...body, perCustomer: 1, offline: 'decline' }));
    before.close();
    const { store } = openAt(path);
    const [campaign] = await store.read((tx) => tx.campaigns(['spring']));
    expect(campaign).toMatchObject({ card: { version: 7 }, personalValueMax: null, issuedUnits: 0 });
    expect(campaign?.changedAt).toBeGreaterThan(Date.parse('2026-01-01'));
    expect(await store.read((tx) => tx.campaignVersions('spring'))).toMatchObject([
      { id: 'spring', card: { version: 7 }, changedAt: campaign?.changedAt },
    ]);
  });

  test('that is no database is refused in one line that names it', () => {
    const path = newFile();
    writeFileSync(path, 'not a database at all, '.repeat(1000));
    expect(() => openDatabase(path)).toThrow(DatabaseUnusable);
    expect(() => openDatabase(path)).toThrow(new RegExp(`^The database ${path} cannot be used: [^\\n]+\\.$`));
  });

  test('with a damaged page is refused', async () => {
    const path = newFile();
    const { store } = openAt(path);
    await seed(store);
    await store.close();
    const { size } = statSync(path);
    const file = openSync(path, 'r+');
    for (let at = 4096; at < size; at += 4096) writeSync(file, Buffer.alloc(600, 0xff), 0, 600, at);
    closeSync(file);
    expect(() => openDatabase(path)).toThrow(DatabaseUnusable);
  });

  test('of a newer program is refused', () => {
    const path = newFile();
    const database = openDatabase(path);
    database.raw.pragma('user_version = 999');
    database.close();
    expect(() => openDatabase(path)).toThrow(/newer than this program/);
  });

  test('in a folder that does not exist is refused', () => {
    expect(() => openDatabase(join(folder, 'missing', 'ledger.db'))).toThrow(DatabaseUnusable);
  });

  test('that is locked by another program makes the ledger unavailable, which is no defect', async () => {
    const path = newFile();
    const { store } = openAt(path);
    await seed(store);
    const other = openDatabase(path);
    opened.push(other);
    const busy = openDatabase(path);
    opened.push(busy);
    busy.raw.pragma('busy_timeout = 0');
    other.raw.exec('BEGIN IMMEDIATE');
    await expect(sqliteLedgerStore(busy).transaction(async () => undefined)).rejects.toBeInstanceOf(LedgerUnavailable);
    other.raw.exec('ROLLBACK');
    await sqliteLedgerStore(busy).transaction(async () => undefined);
  });
});
