import { validityIn } from '../../protocol/card.ts';
import { lastFour } from '../../protocol/code.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import { USE_MS } from '../../protocol/limits.ts';
import type { Answer, Now, Redemption, Reservation, Session, Use, Want } from '../../gateway/till/box-rules.ts';
import { type Change, type Decided, FRESH_SESSION } from '../../gateway/till/draft-rules.ts';
import type { KnownForMessage } from '../../gateway/till/message-rules.ts';
import { card, codeAt, DOOR, GATEWAY, hashOf, INCARNATION, STORE, T0 } from './till-world.ts';

/** What a box may know of one code, as values: the rows of the till's table. */

export const CODE_HASH = hashOf(codeAt(0));
const HOUR = 3_600_000;
export const NOW: Now = { at: T0, clock: { proven: true, earliest: T0, latest: T0 + 40 } };

const HELD: Reservation = {
  reservation: 'res-00001',
  codeHash: CODE_HASH,
  lastFour: lastFour(codeAt(0)),
  generation: 0,
  campaign: 'spring',
  cardVersion: 1,
  personal: null,
  epoch: 1,
  number: 3,
  notAfter: T0 + HOUR,
  state: 'active',
  origin: 'stock',
  use: null,
  mark: null,
};

const useBy = (basket: string, changes: Partial<Use> = {}): Use => ({
  basket,
  lane: '3',
  mode: 'reserved',
  until: T0 + 60_000,
  cardVersion: 1,
  ...changes,
});

const redeemed: Redemption = {
  id: 'red-00001',
  reservation: 'res-00001',
  generation: 0,
  entry: { epoch: 1, n: 2 },
  at: T0 - 1000,
  lane: '3',
  total: { amount: 4200, currency: 'USD' },
  mode: 'reserved',
  offer: card().offer,
};

const answer = (basket: string, changes: Partial<Answer> = {}): Answer => ({
  door: DOOR,
  codeHash: CODE_HASH,
  basket,
  lastFour: lastFour(codeAt(0)),
  redemption: redeemed,
  reversal: null,
  ...changes,
});

const REVERSAL = { at: T0 - 500, pending: false };

export const wantOf = (basket: string): Want => ({
  want: 'want-0001',
  codeHash: CODE_HASH,
  basket,
  lane: '3',
  total: null,
  customer: null,
  waitMs: 800,
  againAfter: null,
});

type Situation = {
  readonly held?: Reservation;
  readonly answers?: readonly Answer[];
  readonly session?: Partial<Session>;
};

const cut: Partial<Session> = { line: 'down' };
const inUse = (basket: string, changes: Partial<Reservation> = {}): Reservation => ({
  ...HELD,
  use: useBy(basket),
  ...changes,
});
const mark = { deadline: T0 + 10 * 60_000 };
const wants = (basket: string) => ({ wants: new Map([['want-0001', wantOf(basket)]]) });

/** A is the basket that asks. The line is up where nothing else is said. */
export const SITUATIONS = {
  'nothing known': {},
  'nothing known, cut off': { session: cut },
  'stocked, idle': { held: HELD },
  'stocked, idle, cut off': { held: HELD, session: cut },
  'fetched, idle': { held: { ...HELD, origin: 'scan' } },
  'fetched, idle, cut off': { held: { ...HELD, origin: 'scan' }, session: cut },
  'a blank': { held: { ...HELD, origin: 'blank' } },
  'a blank, cut off': { held: { ...HELD, origin: 'blank' }, session: cut },
  'in use by A, stocked': { held: inUse('A') },
  'in use by A, fetched': { held: inUse('A', { origin: 'scan', use: useBy('A', { mode: 'online' }) }) },
  'in use by A, fetched, cut off': {
    held: inUse('A', { origin: 'scan', use: useBy('A', { mode: 'online' }) }),
    session: cut,
  },
  'in use by A, recalled': { held: inUse('A', { mark }) },
  'in use by A, recalled, cut off': { held: inUse('A', { mark }), session: cut },
  'in use by A, recall lapsed': { held: inUse('A', { mark: { deadline: T0 - 1 } }) },
  'in use by A, recalled for a void': { held: inUse('A', { mark: { deadline: null } }) },
  'in use by A, timed out': { held: inUse('A', { origin: 'scan', use: useBy('A', { until: T0 }) }) },
  'in use by A, from a clock far ahead': { held: inUse('A', { use: useBy('A', { until: T0 + USE_MS + 1 }) }) },
  'in use by B': { held: inUse('B') },
  'in use by B, recalled': { held: inUse('B', { mark }) },
  'ended, idle': { held: { ...HELD, notAfter: T0 + 40 } },
  'ended, idle, cut off': { held: { ...HELD, notAfter: T0 + 40 }, session: cut },
  'ended, in use by A': { held: inUse('A', { notAfter: T0 + 40 }) },
  'idle with a recall mark': { held: { ...HELD, mark } },
  'of an older epoch': { held: { ...HELD, epoch: 0 } },
  'of an older epoch, cut off': { held: { ...HELD, epoch: 0 }, session: cut },
  returned: { held: { ...HELD, state: 'returned' } },
  'returned, cut off': { held: { ...HELD, state: 'returned' }, session: cut },
  'redeemed by A': { held: { ...HELD, state: 'redeemed' }, answers: [answer('A')] },
  'redeemed by B': { held: { ...HELD, state: 'redeemed' }, answers: [answer('B')] },
  'reversed by A': { held: { ...HELD, state: 'redeemed' }, answers: [answer('A', { reversal: REVERSAL })] },
  'reversed by B': { held: { ...HELD, state: 'redeemed' }, answers: [answer('B', { reversal: REVERSAL })] },
  'reversed by B, cut off': {
    held: { ...HELD, state: 'redeemed' },
    answers: [answer('B', { reversal: REVERSAL })],
    session: cut,
  },
  'reversed by B, granted anew': {
    held: { ...HELD, reservation: 'res-00002', generation: 1 },
    answers: [answer('B', { reversal: REVERSAL })],
  },
  'tombstone of A, stocked': { held: HELD, answers: [answer('A', { redemption: null, reversal: REVERSAL })] },
  'tombstone of B, stocked': { held: HELD, answers: [answer('B', { redemption: null, reversal: REVERSAL })] },
  'A waits for the cloud': { session: wants('A') },
  'B waits for the cloud': { session: wants('B') },
  'not validated, stocked': { held: HELD, session: { standing: 'disagreement' } },
  'not validated, redeemed by A': {
    held: { ...HELD, state: 'redeemed' },
    answers: [answer('A')],
    session: { standing: 'disagreement' },
  },
  'fenced, in use by A': { held: inUse('A', { origin: 'scan' }), session: { standing: 'fenced' } },
} as const satisfies Record<string, Situation>;
export type SituationName = keyof typeof SITUATIONS;

export function knownIn({ held, answers = [], session = {} }: Situation): KnownForMessage {
  const isOpen = held !== undefined && held.state === 'active';
  return {
    self: {
      gateway: GATEWAY,
      door: DOOR,
      store: STORE.id,
      storeName: STORE.name,
      timeZone: STORE.timeZone,
      keyId: 'key-0001',
      strict: false,
    },
    box: {
      incarnation: INCARNATION,
      epoch: 1,
      bootId: 1,
      head: { epoch: 1, n: 5, hash: GENESIS_HASH },
      acknowledged: 0,
      floor: 3,
      highWater: T0,
      stoppedClean: true,
      fence: null,
    },
    session: { ...FRESH_SESSION, standing: 'validated', line: 'up', anchored: true, ...session },
    codes: new Map([[CODE_HASH, { open: isOpen ? [held] : [], answers }]]),
    terms: new Map([['spring', [{ card: card(), validity: validityIn(card(), STORE.timeZone) }]]]),
    reservations: new Map(held === undefined ? [] : [[held.reservation, held]]),
    extendable: isOpen ? [held] : [],
    hashThere: null,
  };
}

/** One line: the answer, then what changes on disk, then what is told. */
export function inWords(answerText: string, { changes, effects }: Decided<unknown>): string {
  const told = effects.flatMap((effect) => {
    if (effect.do === 'send')
      return effect.message.type === 'recalled' ? recalledInWords(effect.message.body) : [effect.message.type];
    if (effect.do === 'end_want') return [effect.told === null ? 'granted' : `told ${effect.told.reason}`];
    return effect.do === 'ask' ? ['ask'] : [];
  });
  return [answerText, changes.map(changeInWords).join(' '), told.join(' ')].filter((part) => part !== '').join(' | ');
}

function recalledInWords({
  reservations,
}: {
  readonly reservations: readonly { readonly answer: string }[];
}): string[] {
  return reservations.map((one) => `'${one.answer}'`);
}

function changeInWords(change: Change): string {
  switch (change.do) {
    case 'journal':
      return 'why' in change.body ? `+${change.body.kind}(${change.body.why})` : `+${change.body.kind}`;
    case 'scan':
      return `scan(${change.scan.what})`;
    case 'end_use':
      return change.kept ? 'end_use' : 'drop_use';
    case 'close':
      return `close(${change.as})`;
    default:
      return change.do;
  }
}
