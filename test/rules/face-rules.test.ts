import { describe, expect, test } from 'vitest';
import {
  type FaceFacts,
  type FaceState,
  faceStateOf,
  lookAgainAt,
  validityAnywhere,
} from '../../cloud/distribution/face-rules.ts';
import { CODE_STATES, type CodeState, type Standing } from '../../cloud/ledger/code-rules.ts';
import { SILENT_AFTER_MS, USE_MS } from '../../protocol/limits.ts';
import { cardWith, NOW } from './ledger-rows.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const dollars = (amount: number) => ({ amount, currency: 'USD' });

const FREE: Standing = { state: 'issued', personal: null, hold: null, reservation: null, redemption: null };
type Reservation = NonNullable<Standing['reservation']>;
const inStore = (own: Partial<Reservation> = {}): Reservation => ({
  ...{ store: '0042', isStock: true, since: null, inUse: null, silentSince: null },
  ...own,
});
const silent = { silentSince: NOW - SILENT_AFTER_MS };
const forSale = { isStock: false, since: NOW - MINUTE_MS };
const redemption = { at: NOW - DAY_MS, store: '0042', isOnline: false, lane: '2', discount: null };
const hold = { since: NOW - MINUTE_MS, until: NOW + MINUTE_MS };

/** What the ledger has beside each state, where nothing more is said. */
const standings: { readonly [S in CodeState]: Standing } = {
  issued: FREE,
  held: { ...FREE, state: 'held', hold },
  reserved: { ...FREE, state: 'reserved', reservation: inStore() },
  void_pending: { ...FREE, state: 'void_pending', reservation: inStore() },
  in_doubt: { ...FREE, state: 'in_doubt', reservation: inStore(silent) },
  redeemed: { ...FREE, state: 'redeemed', redemption },
  voided: { ...FREE, state: 'voided' },
};

const facts = (standing: Standing, own: Partial<FaceFacts> = {}): FaceFacts => ({
  standing,
  validity: { startsAt: NOW - DAY_MS, endsAt: NOW + DAY_MS },
  discount: { type: 'amount', amount: 500, currency: 'USD' },
  isReplaced: false,
  ...own,
});
const over = { validity: { startsAt: NOW - 2 * DAY_MS, endsAt: NOW } };
const early = { validity: { startsAt: NOW + 1, endsAt: NOW + DAY_MS } };
const kindOf = (standing: Standing, own: Partial<FaceFacts> = {}) => faceStateOf(facts(standing, own), NOW).kind;

describe('what a coupon’s person sees', () => {
  const table: { readonly [S in CodeState]: readonly [FaceState['kind'], ...FaceState['kind'][]] } = {
    //             in its dates   after       before       replaced
    issued: ['usable', 'expired', 'not_yet', 'replaced'],
    held: ['held', 'held', 'held', 'replaced'],
    reserved: ['usable', 'expired', 'not_yet', 'replaced'],
    void_pending: ['voided', 'voided', 'voided', 'replaced'],
    in_doubt: ['held_silent', 'expired', 'not_yet', 'replaced'],
    redeemed: ['redeemed', 'redeemed', 'redeemed', 'redeemed'],
    voided: ['voided', 'voided', 'voided', 'replaced'],
  };
  test.each(CODE_STATES)('of a code that is %s, in its dates, after, before, and replaced', (state) => {
    const seen = [{}, over, early, { isReplaced: true }].map((own) => kindOf(standings[state], own));
    expect(seen).toEqual(table[state]);
  });

  test.each<[string, Reservation, FaceState]>([
    ['waits in a store that answers', inStore(), { kind: 'usable', onlyAt: null }],
    ['waits in a store whose line blinks', inStore({ silentSince: NOW - 1 }), { kind: 'usable', onlyAt: null }],
    ['waits in a silent store', inStore(silent), { kind: 'usable', onlyAt: '0042' }],
    [
      'a lane uses it',
      inStore({ inUse: { until: NOW + MINUTE_MS, lane: '2' } }),
      { kind: 'held', store: '0042', lane: '2', since: NOW + MINUTE_MS - USE_MS, until: NOW + MINUTE_MS },
    ],
    ['a lane has used it', inStore({ inUse: { until: NOW, lane: '2' } }), { kind: 'usable', onlyAt: null }],
    [
      'a sale asked for it',
      inStore(forSale),
      { kind: 'held', store: '0042', lane: null, since: NOW - MINUTE_MS, until: NOW - MINUTE_MS + USE_MS },
    ],
    [
      'a sale in a silent store asked for it',
      inStore({ ...forSale, ...silent }),
      { kind: 'held', store: '0042', lane: null, since: NOW - MINUTE_MS, until: NOW - MINUTE_MS + USE_MS },
    ],
    [
      'a sale asked for it long ago',
      inStore({ isStock: false, since: NOW - USE_MS }),
      { kind: 'usable', onlyAt: null },
    ],
    [
      'a sale in a silent store asked for it long ago',
      inStore({ isStock: false, since: NOW - USE_MS, ...silent }),
      { kind: 'held_silent', store: '0042' },
    ],
  ])('of a reserved code that %s', (_name, reservation, seen) => {
    expect(faceStateOf(facts({ ...FREE, state: 'reserved', reservation }), NOW)).toEqual(seen);
  });

  test('is the time by which a cart’s sale is over', () => {
    expect(faceStateOf(facts(standings.held), NOW)).toEqual({ kind: 'held', store: null, lane: null, ...hold });
  });

  test('is that it was not used only where nobody can have used it', () => {
    const unused = (standing: Standing) => faceStateOf(facts(standing, over), NOW);
    expect(unused(FREE)).toEqual({ kind: 'expired', endedAt: NOW, isUnused: true });
    expect(unused(standings.reserved)).toMatchObject({ isUnused: true });
    expect(unused({ ...standings.reserved, reservation: inStore(silent) })).toMatchObject({ isUnused: false });
    expect(unused(standings.in_doubt)).toMatchObject({ isUnused: false });
  });

  test('is what was saved as the register said it, else as the coupon says it, else nothing', () => {
    const saved = (
      discount: FaceFacts['discount'],
      said: typeof redemption.discount | { amount: number; currency: string },
    ) =>
      faceStateOf(facts({ ...standings.redeemed, redemption: { ...redemption, discount: said } }, { discount }), NOW);
    const percent = { type: 'percent', percent: 10, maxAmount: 1000, currency: 'USD' } as const;
    expect(saved({ type: 'amount', amount: 500, currency: 'USD' }, null)).toMatchObject({ saved: dollars(500) });
    expect(saved({ type: 'amount', amount: 500, currency: 'USD' }, dollars(420))).toMatchObject({
      saved: dollars(420),
    });
    expect(saved(percent, dollars(730))).toMatchObject({ saved: dollars(730) });
    expect(saved(percent, null)).toMatchObject({ saved: null });
    expect(saved(null, null)).toMatchObject({ saved: null });
  });
});

describe('a face is looked at again', () => {
  test('when its dates begin or end, and never where they are over', () => {
    expect(lookAgainAt(facts(FREE), NOW)).toBe(NOW + DAY_MS);
    expect(lookAgainAt(facts(FREE, early), NOW)).toBe(NOW + 1);
    expect(lookAgainAt(facts(FREE, over), NOW)).toBeNull();
  });

  test('when the sale that has it may be over', () => {
    expect(lookAgainAt(facts(standings.held), NOW)).toBe(hold.until);
    const used = inStore({ inUse: { until: NOW + 5_000, lane: '2' } });
    expect(lookAgainAt(facts({ ...standings.reserved, reservation: used }), NOW)).toBe(NOW + 5_000);
  });

  test('soon where a store has it: that store may fall silent', () => {
    expect(lookAgainAt(facts(standings.reserved), NOW)).toBeLessThanOrEqual(NOW + SILENT_AFTER_MS);
  });
});

describe('a coupon’s dates', () => {
  const card = cardWith({ startsAt: '2026-11-01', endsAt: '2026-11-30', timeZone: 'America/New_York' });
  const at = (time: string) => Date.parse(time);

  test('begin with the first of its places and end with the last', () => {
    expect(validityAnywhere(card, ['America/Chicago', 'Europe/Berlin'])).toEqual({
      startsAt: at('2026-10-31T23:00:00Z'),
      endsAt: at('2026-12-01T06:00:00Z'),
    });
  });

  test('are the campaign’s online alone, whatever stores there are', () => {
    expect(validityAnywhere({ ...card, channels: ['online'] }, ['Europe/Berlin'])).toEqual({
      startsAt: at('2026-11-01T04:00:00Z'),
      endsAt: at('2026-12-01T05:00:00Z'),
    });
  });
});
