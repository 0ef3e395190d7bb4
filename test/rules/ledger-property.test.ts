import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { CODE_STATES, type CodeRow } from '../../cloud/ledger/code-rules.ts';
import { createBooks } from '../../cloud/reports/books.ts';
import { sqliteBooksStore } from '../../cloud/reports/sqlite-books-store.ts';
import { type Card, validityIn } from '../../protocol/card.ts';
import { faceValue } from '../../protocol/offer.ts';
import { cardWith, NOW } from './ledger-rows.ts';
import { type Box, hashOfCode, openWorld, type World } from './ledger-world.ts';

/**
 * Two boxes and two carts do as they like with three codes, while messages get lost and come again and time goes on.
 * What is counted are the approvals that callers saw, not what the ledger thinks of them.
 */

type Call = 'validate' | 'redeem';

const MINUTE = 60_000;
const DAY = 86_400_000;
const dayStart = (instant: number): number => instant - (instant % DAY);
const dayOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);
const off = (amount: number) => ({ type: 'amount', amount, currency: 'USD' }) as const;
const BASKETS = ['a', 'b', 'c', 'd', 'e'];

const code = fc.nat(2);
const box = fc.nat(1);
const cart = fc.nat(1);
const basket = fc.constantFrom(...BASKETS);
/** One command with the arbitraries of its fields, and how often it comes beside the others. */
const often = <N extends string, F>(weight: number, name: N, fields: { [K in keyof F]: fc.Arbitrary<F[K]> }) => ({
  weight,
  arbitrary: fc.record(fields).map((given) => ({ ...given, do: name })),
});

const command = fc.oneof(
  often(12, 'cart', {
    call: fc.constantFrom<Call>('validate', 'redeem', 'redeem'),
    cart,
    code,
    basket,
    answered: fc.boolean(),
  }),
  often(2, 'cart_releases', { cart, code, basket }),
  often(3, 'cart_reverses', { cart, code, basket, door: fc.constantFrom('own', 'own', 'box 0', 'box 1') }),
  often(8, 'want', { box, code, basket }),
  often(3, 'stock', { box, code }),
  often(14, 'box_redeems', { box, code, basket }),
  often(4, 'box_reverses', { box, code, basket }),
  often(4, 'box_returns', { box, code }),
  often(8, 'take', { box }),
  often(2, 'miss', { box }),
  often(8, 'settle', { box, from: fc.constantFrom('new', 'all') }),
  often(3, 'sync', { box }),
  often(5, 'heartbeat', { box }),
  often(1, 'void', { code }),
  often(5, 'wait', { ms: fc.constantFrom(MINUTE, 16 * MINUTE, 7 * 60 * MINUTE, 73 * 60 * MINUTE) }),
  often(1, 'revoke', { box }),
  often(6, 'feed', { code, basket: fc.constantFrom('f', 'g'), what: fc.constantFrom('redeemed', 'reversed') }),
  often(1, 'change_end', { endsAt: fc.constantFrom('2026-11-23', '2026-11-25', '2027-11-30', '2027-11-30') }),
  often(2, 'personalise', { code, cents: fc.constantFrom(300, 500, 700) }),
  often(1, 'edit', { cents: fc.constantFrom(200, 500, 600) }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** One approved redemption as its caller saw it. */
type Shown = { readonly code: string; readonly generation: number };

class Play {
  readonly world: World;
  readonly boxes: readonly Box[];
  /** By door, code and basket: the same basket at the same door counts once. */
  readonly shown = new Map<string, Shown>();
  readonly reversed = new Set<string>();
  readonly everShown: Shown[] = [];
  /** At the end of each day, as the ledger said by then. */
  readonly openByDay = new Map<string, { units: number; value: number } | undefined>();
  #closed: ReadonlyMap<string, string> = new Map();
  readonly #places = new Map<string, { readonly epoch: number; readonly n: number }>();

  constructor(world: World, boxes: readonly Box[]) {
    this.world = world;
    this.boxes = boxes;
  }

  async run(command: Command): Promise<void> {
    const { world } = this;
    const text = 'code' in command ? (world.codes[command.code] ?? '') : '';
    const at = this.boxes['box' in command ? command.box : 0];
    if (at === undefined) throw new Error('no box');
    switch (command.do) {
      case 'cart':
        return this.#cart(command, text);
      case 'cart_releases':
        return this.#shop(command.cart).release(text, command.basket);
      case 'cart_reverses': {
        const door =
          command.door === 'own'
            ? `cart:${nameOf(command.cart)}`
            : (this.boxes[Number(command.door.slice(-1))]?.door ?? '');
        this.reversed.add(`${door} ${text} ${command.basket}`);
        await this.#shop(command.cart).reverse(text, command.basket, door);
        return;
      }
      case 'want':
        return at.fenced ? undefined : at.want(text, command.basket, 0);
      case 'stock':
        await world.ledger.stock(at.store, [text]);
        return;
      case 'box_redeems':
        return this.#redeemAt(at, text, command.basket);
      case 'box_reverses':
        this.#reverseAt(at, text, command.basket);
        return;
      case 'box_returns':
        if (at.heldFor(text) !== null && !at.fenced) at.giveBack(text, 'end');
        return;
      case 'take':
        return at.obey(await at.take());
      case 'miss':
        return at.miss();
      case 'settle':
        if (command.from === 'new' || at.entries.length === 0) return at.settle();
        return at.send({ type: 'journal', body: at.upload({ from: 1 }) });
      case 'sync':
        return at.sync();
      case 'heartbeat':
        return at.heartbeat();
      case 'void':
        await world.ledger.voidCode(text);
        return;
      case 'wait':
        return this.#wait(command.ms);
      case 'revoke':
        await world.ledger.revoke(at.id);
        return;
      case 'feed':
        await world.ledger.feed('tills', [
          {
            ...{ what: command.what, code: text, basket: command.basket, at: world.clock.now, store: '0001' },
            ...{ lane: null, total: null, discount: null },
          },
        ]);
        return;
      case 'change_end':
        return this.#change({ endsAt: command.endsAt });
      case 'personalise':
        await world.ledger.personalise('spring', text, { discount: off(command.cents) });
        return;
      case 'edit':
        await world.ledger.changeCampaign('spring', (now) => {
          const offer = { ...now.card.offer, discount: off(command.cents) };
          return { ...now, card: { ...now.card, offer } };
        });
    }
  }

  /** What could be redeemed at the end of each day that passes is noted: the books must say the same ever after. */
  async #wait(ms: number): Promise<void> {
    const { clock, ledger } = this.world;
    const until = clock.now + ms;
    for (let end = dayStart(clock.now) + DAY; end <= until; end += DAY) {
      clock.now = end;
      this.openByDay.set(dayOf(end - 1), await this.open());
    }
    clock.now = until;
    await ledger.tick();
  }

  async open(): Promise<{ units: number; value: number } | undefined> {
    return (await this.world.ledger.exposure('spring'))?.open;
  }

  async #change(card: Partial<Card>): Promise<void> {
    await this.world.ledger.changeCampaign('spring', (now) => ({ ...now, card: { ...now.card, ...card } }));
  }

  /** A cart may wait for a store: the boxes answer meanwhile, or its patience is over. */
  async #cart(
    { call, cart: client, basket: name, answered }: Extract<Command, { do: 'cart' }>,
    text: string,
  ): Promise<void> {
    const asked = this.#shop(client)[call](text, name);
    await turns();
    if (answered) for (const at of this.boxes) await this.#answer(at);
    await vi.advanceTimersByTimeAsync(1_500);
    const decision = await asked;
    if (decision.decision !== 'approved' || decision.redemption === null) return;
    const [row] = await this.world.store.read((tx) => tx.redemptions([decision.redemption?.id ?? '']));
    this.#approved(decision.redemption.door, text, name, row?.generation ?? -1);
  }

  async #answer(at: Box): Promise<void> {
    at.obey(await at.take());
    await at.settle();
  }

  #shop(client: number): World['shop'] {
    return client === 0 ? this.world.shop : this.world.app;
  }

  #approved(door: string, text: string, name: string, generation: number): void {
    const shown = { code: text, generation };
    this.shown.set(`${door} ${text} ${name}`, shown);
    this.everShown.push(shown);
  }

  async #redeemAt(at: Box, text: string, name: string): Promise<void> {
    if (!at.mayRedeem(text, name)) return;
    const [row] = await this.world.store.read((tx) => tx.codes([hashOfCode(text)]));
    expect(row?.state, 'S6: redeemed after its void was final').not.toBe('voided');
    this.#approved(at.door, text, name, at.redeem(text, name).generation);
  }

  #reverseAt(at: Box, text: string, name: string): void {
    const key = `${at.door} ${text} ${name}`;
    const hash = hashOfCode(text);
    const entry = at.entries.find(
      ({ body }) => body.kind === 'redeemed' && body.codeHash === hash && body.basket === name,
    )?.body;
    const before = at.entries.some(
      ({ body }) => body.kind === 'reversed' && body.codeHash === hash && body.basket === name,
    );
    if (entry?.kind !== 'redeemed' || before || at.fenced) return;
    this.reversed.add(key);
    at.reverse(entry);
  }

  async check(): Promise<void> {
    const { world } = this;
    const rows = await world.store.read((tx) => tx.codes(world.codes.map(hashOfCode)));
    const rowsByHash = new Map(rows.map((row) => [row.hash, row]));
    for (const text of world.codes) {
      const standing = [...this.shown].filter(([key, shown]) => shown.code === text && !this.reversed.has(key));
      expect(standing.length, `S1: ${standing.map(([key]) => key).join(' and ')}`).toBeLessThanOrEqual(1);
    }
    for (const { code, generation } of this.everShown) {
      const row = rowsByHash.get(hashOfCode(code));
      const free = row?.generation === generation && (row.state === 'issued' || row.state === 'held');
      expect(free, `S3: ${code} is ${row?.state} again in generation ${generation}`).toBe(false);
    }
    for (const row of rows) {
      const atBoxes = this.boxes.filter((at) => at.mayRedeemAny(row.hash)).map(({ id }) => id);
      const atCloud = row.state === 'issued' || row.state === 'held' ? ['the cloud'] : [];
      expect([...atCloud, ...atBoxes].length, `S2: ${[...atCloud, ...atBoxes].join(' and ')}`).toBeLessThanOrEqual(1);
    }
    await this.#booksAddUp(rows);
    await this.#nothingWentBack();
  }

  /** S10: units and money by the codes themselves, each at its own value. */
  async #booksAddUp(rows: readonly CodeRow[]): Promise<void> {
    const { ledger } = this.world;
    const exposure = await ledger.exposure('spring');
    for (const state of CODE_STATES)
      expect(exposure?.units[state], `S10: ${state}`).toBe(rows.filter((row) => row.state === state).length);
    const card = (await ledger.campaign('spring'))?.card ?? cardWith();
    const face = faceValue(card.offer.discount);
    const isOver = validityIn(card, card.timeZone).endsAt <= this.world.clock.now;
    const worth = (of: (row: CodeRow) => boolean) =>
      rows.filter(of).reduce((sum, { personal }) => sum + faceValue(personal?.discount ?? off(face)), 0);
    const isRedeemed = ({ state }: CodeRow) => state === 'redeemed';
    expect(exposure?.redeemed.value, 'S10: redeemed, in money').toBe(worth(isRedeemed));
    expect(exposure?.open.value, 'S10: open, in money').toBe(
      worth(({ state }) => !['redeemed', 'voided', ...(isOver ? ['issued', 'held'] : [])].includes(state)),
    );
    const held = (await ledger.gateways()).reduce((sum, { holds, inDoubt }) => sum + holds.value + inDoubt.value, 0);
    const atBoxes = ['reserved', 'void_pending', 'in_doubt'];
    expect(held, 'S10: held by boxes, in money').toBe(worth(({ state }) => atBoxes.includes(state)));
  }

  /** S7, at the ledger: what it has closed stays closed, and no epoch and no acknowledged number falls. */
  async #nothingWentBack(): Promise<void> {
    const { raw } = this.world.database;
    const closed = raw
      .prepare<[], { id: string; state: string }>("SELECT id, state FROM reservations WHERE state <> 'open'")
      .all();
    const now = new Map(closed.map(({ id, state }) => [id, state]));
    for (const [id, state] of this.#closed) expect(now.get(id), `S7: the reservation ${id}`).toBe(state);
    this.#closed = now;
    for (const { id, epoch, acknowledged } of await this.world.store.read((tx) => tx.allGateways())) {
      const before = this.#places.get(id) ?? { epoch: 0, n: 0 };
      const after = epoch > before.epoch || (epoch === before.epoch && acknowledged.n >= before.n);
      expect(after, `S7: ${id} goes back to epoch ${epoch}, number ${acknowledged.n}`).toBe(true);
      this.#places.set(id, { epoch, n: acknowledged.n });
    }
  }
}

const nameOf = (client: number): string => (client === 0 ? 'shop' : 'app');

/** Lets the ledger finish what it was asked: its transactions take a few turns of the event loop. */
async function turns(): Promise<void> {
  for (let i = 0; i < 12; i += 1) await new Promise(setImmediate);
}

describe('whatever two stores and two carts do', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('one code is spent once, never free again in its generation, and the books add up to the cent and audit [S1, S2, S3, S6, S7, S10, P13, C15, C17]', async () => {
    let approvals = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 80 }), fc.nat(), async (commands, place) => {
        const world = await openWorld({ count: 3, personalValueMax: 700 });
        const play = new Play(world, [await world.box('0001'), await world.box('0002')]);
        try {
          for (const one of commands) {
            await play.run(one);
            await play.check();
          }
          // Everything that the boxes did reaches the ledger in the end.
          for (const at of play.boxes) {
            at.obey(await at.take());
            await at.settle();
          }
          await play.check();
          await booksAddUp(play);
          approvals += play.everShown.length;
          expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
          await tampered(world, place);
        } finally {
          await world.close();
        }
      }),
      { numRuns: 100 },
    );
    expect(approvals).toBeGreaterThan(80);
  }, 60_000);
});

/** Each day follows from the one before, what is open agrees with the ledger of that moment, and adds up to the cent. */
async function booksAddUp(play: Play): Promise<void> {
  const { clock, database } = play.world;
  const books = createBooks({ store: sqliteBooksStore(database), now: () => clock.now });
  const [first, today] = [dayOf(NOW), dayOf(clock.now)];
  const lines = await books.reconciliation(first, today);
  let before = { units: 0, value: 0 };
  for (const { day, opening, issued, reversed, redeemed, voided, expired, revalued, closing } of lines) {
    expect(opening, `opening of ${day}`).toEqual(before);
    for (const in_ of ['units', 'value'] as const) {
      const sum = opening[in_] + issued[in_] + reversed[in_] - redeemed[in_] - voided[in_] - expired[in_];
      expect(sum + (in_ === 'value' ? revalued : 0), `${in_} of ${day}`).toBe(closing[in_]);
    }
    before = closing;
  }
  expect(before, 'what is open now').toEqual(await play.open());
  const totals = await Promise.all([...play.openByDay.keys()].map((day) => books.liability(day)));
  for (const {
    day,
    totals: [total],
  } of totals)
    expect({ units: total?.units ?? 0, value: total?.value ?? 0 }, `liability of ${day}`).toEqual(
      play.openByDay.get(day),
    );
}

/** One entry of one chain is changed, any of them: the audit names that very one. */
async function tampered({ store, database: { raw } }: World, place: number): Promise<void> {
  const entries = raw
    .prepare<[], { partition: number; n: number }>('SELECT partition, n FROM entries ORDER BY partition, n')
    .all();
  const entry = entries[place % entries.length];
  if (entry === undefined) throw new Error('an empty ledger');
  raw.exec('DROP TRIGGER entries_never_change');
  raw.prepare('UPDATE entries SET at = at + 1 WHERE partition = ? AND n = ?').run(entry.partition, entry.n);
  const first = `partition ${entry.partition}, entry ${entry.n}: its hash does not fit`;
  expect(await verifyLedger(store)).toEqual({ ok: false, first });
}
