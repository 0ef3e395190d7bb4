import { describe, expect, test } from 'vitest';
import { fence, greet, type Judgement, judge } from '../../cloud/fleet/greeting-rules.ts';
import { type Challenge, CODE_STATES, type GatewayRow } from '../../cloud/ledger/code-rules.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import type { UpBody } from '../../protocol/messages.ts';
import {
  cardWith,
  codeAfter,
  gatewayWith,
  kinds,
  NOW,
  reservationAfter,
  STORE_BOX,
  sent,
  viewIn,
} from './ledger-rows.ts';

const AT_THREE = '3'.repeat(64);
const AT_FIVE = '5'.repeat(64);
const challenge: Challenge = { id: 'challenge-1', nonce: 'nonce-0001', bootId: 2, epoch: 1, n: 3, hash: AT_THREE };
const box = (changes: Partial<GatewayRow> = {}) =>
  gatewayWith({ challenges: [challenge], acknowledged: { n: 3, hash: AT_THREE }, welcomedBoot: 1, ...changes });

const attest = (changes: Partial<UpBody<'attest'>> = {}): UpBody<'attest'> => ({
  ...{
    challenge: 'challenge-1',
    head: { epoch: 1, n: 7, hash: '7'.repeat(64) },
    acknowledged: 3,
    hashAtChallenge: AT_THREE,
  },
  ...{ floor: 10, disagreement: null, cleanStart: true },
  ...changes,
});

const ledger = { cards: [cardWith()], keys: [{ id: 'cloudkey', publicKey: 'A'.repeat(43) }], now: NOW };
const judged = (row: GatewayRow, body: UpBody<'attest'>, bootId = 2): Judgement => judge(row, bootId, body, ledger);
const verdict = (...given: Parameters<typeof judged>): string => {
  const judgement = judged(...given);
  return judgement.kind === 'fence' ? judgement.why : judgement.kind;
};

describe('a hello', () => {
  const hello = { nonce: 'nonce-0002', version: '1.2.3' };

  test('is challenged with the number acknowledged at that moment, kept in the row with its hash [C4]', () => {
    const changes = greet(box({ challenges: [] }), 4, hello, 'challenge-2');
    expect(sent(changes)).toEqual([
      { to: STORE_BOX, type: 'challenge', body: { nonce: 'nonce-0002', challenge: 'challenge-2', epoch: 1, n: 3 } },
    ]);
    const kept = { id: 'challenge-2', nonce: 'nonce-0002', bootId: 4, epoch: 1, n: 3, hash: AT_THREE };
    expect(changes[0]).toMatchObject({ do: 'gateway', row: { challenges: [kept], version: '1.2.3' } });
  });

  test('decides nothing: it welcomes, fences and connects nobody [B14]', () => {
    for (const bootId of [0, 1, 2, 9]) {
      const [row] = greet(box(), bootId, hello, 'challenge-2');
      expect(row).toMatchObject({
        do: 'gateway',
        row: { state: 'active', epoch: 1, welcomedBoot: 1, acknowledged: { n: 3 } },
      });
    }
  });

  test('said again and again keeps the newest eight challenges [C4]', () => {
    let row = box({ challenges: [] });
    for (let i = 0; i < 20; i += 1) {
      const [change] = greet(row, 2, hello, `challenge-${i}`);
      if (change?.do === 'gateway') row = change.row;
    }
    expect(row.challenges.map(({ id }) => id)).toEqual(Array.from({ length: 8 }, (_, i) => `challenge-${i + 12}`));
  });

  test('of a fenced box is answered with the reason of its fence, also long after [C12]', () => {
    const [fenced] = fence(gatewayWith(), [], 'fork');
    if (fenced?.do !== 'gateway') throw new Error('a fence begins with its gateway');
    const changes = greet(fenced.row, 9, { nonce: 'nonce-0001', version: '1.0.0' }, 'challenge-1');
    expect(sent(changes)).toMatchObject([{ type: 'fence', body: { epoch: 2, why: 'fork' } }]);
  });

  test.each(['fenced', 'revoked'] as const)('of a box that is %s is answered with its fence alone [C12]', (state) => {
    const changes = greet(box({ state, epoch: 2 }), 2, hello, 'challenge-2');
    expect(kinds(changes)).toEqual(['send']);
    expect(sent(changes)).toMatchObject([{ to: STORE_BOX, type: 'fence', body: { epoch: 2 } }]);
  });
});

describe('an attest', () => {
  test.each<[string, UpBody<'attest'>, string]>([
    ['agrees', attest(), 'welcome'],
    ['agrees at the very number', attest({ head: { epoch: 1, n: 3, hash: AT_THREE } }), 'welcome'],
    ['is not that far', attest({ head: { epoch: 1, n: 2, hash: '2'.repeat(64) }, hashAtChallenge: null }), 'behind'],
    ['is of another epoch', attest({ head: { epoch: 2, n: 7, hash: '7'.repeat(64) } }), 'behind'],
    ['has another hash there', attest({ hashAtChallenge: '4'.repeat(64) }), 'fork'],
    ['tells of a disagreement', attest({ disagreement: { epoch: 1, n: 9 } }), 'disagreement'],
    [
      'tells of a disagreement and is behind',
      attest({ disagreement: { epoch: 1, n: 9 }, hashAtChallenge: null }),
      'disagreement',
    ],
    ['answers no challenge', attest({ challenge: 'challenge-0' }), 'ignored'],
    ['knows more acknowledged than the ledger', attest({ acknowledged: 4 }), 'ledger_behind'],
    ['knows more grants than the ledger', attest({ floor: 11 }), 'ledger_behind'],
    ['came out of an unclean start', attest({ cleanStart: false }), 'welcome'],
  ])('that %s [C4]: %#', (_, body, expected) => {
    expect(verdict(box(), body)).toBe(expected);
  });

  test('of another boot than was challenged changes nothing [C4]', () => {
    expect(verdict(box(), attest(), 1)).toBe('ignored');
    expect(verdict(box(), attest(), 3)).toBe('ignored');
  });

  test('is judged against its challenge, whatever was acknowledged since [C4, B23]', () => {
    const settledSince = box({ acknowledged: { n: 5, hash: AT_FIVE } });
    expect(verdict(settledSince, attest({ head: { epoch: 1, n: 3, hash: AT_THREE } }))).toBe('welcome');
    expect(verdict(settledSince, attest({ hashAtChallenge: AT_FIVE }))).toBe('fork');
  });

  test('is judged once: the same again changes nothing [C4, B14]', () => {
    const first = judged(box(), attest());
    if (first.kind !== 'welcome' || first.changes[0]?.do !== 'gateway') throw new Error(first.kind);
    expect(first.changes[0].row.challenges).toEqual([]);
    expect(verdict(first.changes[0].row, attest())).toBe('ignored');
  });

  test('that comes after a fence changes nothing: its challenge is gone, and its epoch with it [C4, B14]', () => {
    const [change] = fence(box(), [], 'fork');
    if (change?.do !== 'gateway') throw new Error('no row');
    expect(verdict(change.row, attest())).toBe('ignored');
    expect(verdict({ ...change.row, state: 'active', challenges: [challenge] }, attest())).toBe('ignored');
  });

  test.each(['fenced', 'revoked'] as const)('of a box that is %s is not judged [C12]', (state) => {
    expect(verdict(box({ state }), attest({ disagreement: { epoch: 1, n: 9 } }))).toBe('ignored');
  });

  test('that is good connects the box and tells it the prefix, the time, the keys and the cards [C4]', () => {
    const judgement = judged(box({ connected: false, silentSince: NOW - 1, drillUntil: NOW + 1 }), attest());
    if (judgement.kind !== 'welcome') throw new Error(judgement.kind);
    expect(judgement.changes[0]).toMatchObject({
      row: { connected: true, silentSince: null, drillUntil: null, welcomedBoot: 2, lastHeard: NOW },
    });
    const body = {
      challenge: 'challenge-1',
      epoch: 1,
      acknowledged: { epoch: 1, n: 3, hash: AT_THREE },
      now: NOW,
      keys: ledger.keys,
      cards: ledger.cards,
    };
    expect(sent(judgement.changes)).toEqual([{ to: STORE_BOX, type: 'welcome', body }]);
  });

  test('that knows more than the ledger is an exception with both sides, and no welcome [C4, C11]', () => {
    const judgement = judged(box(), attest({ acknowledged: 9, floor: 12 }));
    expect(judgement).toMatchObject({
      kind: 'ledger_behind',
      exception: {
        what: 'ledger_behind',
        gateway: STORE_BOX,
        ours: 'acknowledged 3, granted 10',
        theirs: 'acknowledged 9, floor 12',
      },
    });
  });
});

describe('a fence', () => {
  test.each(['behind', 'fork', 'disagreement', 'revoked', 'clone'] as const)(
    'because of %s raises the epoch and voids all challenges [C4, C12]',
    (why) => {
      const changes = fence(box(), [], why);
      const state = why === 'revoked' ? 'revoked' : 'fenced';
      // The next epoch begins with the hash of the last acknowledged entry.
      const row = { state, epoch: 2, challenges: [], welcomedBoot: null, acknowledged: { n: 0, hash: AT_THREE } };
      expect(changes[0]).toMatchObject({ do: 'gateway', row });
      expect(sent(changes)).toEqual([{ to: STORE_BOX, type: 'fence', body: { epoch: 2, why } }]);
      expect(changes).toContainEqual(
        expect.objectContaining({ do: 'exception', row: expect.objectContaining({ what: `fenced_${why}` }) }),
      );
    },
  );

  test.each(CODE_STATES)('never makes a code issued: what is %s [C12]', (state) => {
    const to = codeAfter(fence(box(), [viewIn(state)], 'behind'))?.state ?? state;
    expect(to).toBe(state === 'reserved' ? 'in_doubt' : state);
  });

  test('closes no reservation: the box may still prove that it redeemed [C2, C12]', () => {
    expect(reservationAfter(fence(box(), [viewIn('reserved'), viewIn('void_pending')], 'behind'))).toBeNull();
  });

  test('of a box that never settled anything leaves the beginning of its chain', () => {
    expect(fence(gatewayWith(), [], 'fork')[0]).toMatchObject({ row: { acknowledged: { n: 0, hash: GENESIS_HASH } } });
  });
});
