import { setTimeout as sleep } from 'node:timers/promises';
import { type Code, type CodeHash, hashCode, hashCustomer } from '../../protocol/code.ts';
import type { CodeReading } from '../../protocol/code-reading.ts';
import { approvedText, factsForApi, REASONS } from '../../protocol/decision.ts';
import { USE_MS } from '../../protocol/limits.ts';
import type { Offer } from '../../protocol/offer.ts';
import type { BasketView, Decision, RedemptionView, ReversalView } from '../../protocol/redemption-api.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import {
  TEST_SLOW_MS,
  type TestReason,
  testCode,
  testFacts,
  testOffer,
  testRedemptionId,
} from '../../protocol/test-codes.ts';
import { type CartOutcome, cartDoor, decideCart, expireHold, releaseCart, stopWaitingCart } from './cart-rules.ts';
import type { CodeView, RedemptionRow } from './code-rules.ts';
import type { Group } from './group.ts';
import type { CartSale, Conflict } from './port.ts';
import { reverseAt } from './reversing.ts';
import type { Refusal } from './sale-rules.ts';
import type { LedgerStore } from './store.ts';
import type { Unit } from './unit.ts';

/** The carts' calls at the ledger: read, load, decide, commit, answer. */

export type CartPorts = {
  readonly group: Group;
  readonly store: LedgerStore;
  readonly fleetKey: Uint8Array;
  readonly read: (raw: string) => CodeReading;
  readonly now: () => number;
  readonly newId: () => string;
};

/** One code of the request: its normal form and hash, or the answer that its form alone gives. */
type Item = { readonly code: Code; readonly hash: CodeHash } | { readonly code: string; readonly answer: Decision };

export class Carts {
  readonly #ports: CartPorts;

  constructor(ports: CartPorts) {
    this.#ports = ports;
  }

  async decide(call: 'validate' | 'redeem', sale: CartSale): Promise<Result<Decision[], Conflict>> {
    const readings = sale.codes.map((raw) => this.#ports.read(raw));
    if (hasDuplicate(readings)) return err('duplicate_code');
    if (readings.some((reading) => reading.kind === 'test' && reading.reason === 'slow')) await sleep(TEST_SLOW_MS);
    const items = readings.map((reading, i) => this.#item(reading, sale.codes[i] ?? '', call, sale));
    const hashes = items.flatMap((item) => ('hash' in item ? item.hash : []));
    const first = await this.#try(call, sale, items, hashes, true);
    if (first.kind === 'conflict') return err('basket_conflict');
    if (first.kind === 'decided') return ok(first.decisions);
    await Promise.all(first.waits.map(({ hash, until }) => this.#ports.group.moved(hash, until)));
    const second = await this.#try(call, sale, items, hashes, false);
    return second.kind === 'decided' ? ok(second.decisions) : err('basket_conflict');
  }

  async release({ client, code, basket }: { client: string; code: string; basket: string }): Promise<void> {
    const hash = this.#hashOf(code);
    if (hash === null) return;
    const { group, now } = this.#ports;
    await group.run([hash], async (unit) => {
      const view = await unit.view(hash);
      if (view !== null) unit.apply(releaseCart(view, client, basket, await unit.handOver(hash), now()));
    });
  }

  async reverse(request: {
    client: string;
    code: string;
    basket: string;
    reason: string;
    door: string | null;
  }): Promise<ReversalView> {
    const hash = this.#hashOf(request.code);
    // What was never a code of ours was never redeemed, and never will be.
    if (hash === null) return { reversed: true, redemption: null };
    const { group, now } = this.#ports;
    const { client, basket, reason } = request;
    const asked = { door: request.door ?? cartDoor(client), basket, reason, askedAt: now(), asker: null };
    return group.run([hash], async (unit) => {
      const reversal = await reverseAt(unit, hash, asked, now());
      if (reversal === null) return { reversed: true, redemption: null };
      const { row, redemption } = reversal;
      return {
        reversed: row.state === 'done' ? true : 'pending',
        redemption:
          redemption === null
            ? null
            : redemptionView(redemption, redemption.fedStore ?? (await unit.storeOfDoor(redemption.door))),
      };
    });
  }

  async basket(client: string, basket: string): Promise<BasketView> {
    return this.#ports.store.read(async (tx) => {
      const uses = await tx.uses(cartDoor(client), basket);
      const rows = await tx.redemptions(uses.flatMap(({ redemption }) => redemption ?? []));
      const rowsById = new Map(rows.map((row) => [row.id, row]));
      return {
        basket,
        codes: uses.map(({ lastFour, state, redemption }) => {
          const row = redemption === null ? undefined : rowsById.get(redemption);
          return { code: lastFour, state, redemption: row === undefined ? null : redemptionView(row, null) };
        }),
      };
    });
  }

  #customerOf({ customer }: CartSale): string | null {
    return customer === null ? null : hashCustomer(this.#ports.fleetKey, customer);
  }

  #hashOf(raw: string): CodeHash | null {
    const reading = this.#ports.read(raw);
    return reading.kind === 'code' ? hashCode(this.#ports.fleetKey, reading.code) : null;
  }

  #item(reading: CodeReading, raw: string, call: 'validate' | 'redeem', sale: CartSale): Item {
    switch (reading.kind) {
      case 'code':
        return { code: reading.code, hash: hashCode(this.#ports.fleetKey, reading.code) };
      case 'test':
        return { code: testCode(reading.reason), answer: this.#testAnswer(call, reading.reason, sale) };
      case 'not_a_coupon':
      case 'malformed_code':
      case 'not_single_use':
        return { code: raw, answer: this.#refusal(raw, sale, { reason: reading.kind, facts: reading.facts }, null) };
    }
  }

  async #try(
    call: 'validate' | 'redeem',
    sale: CartSale,
    items: readonly Item[],
    hashes: readonly CodeHash[],
    mayWait: boolean,
  ): Promise<Tried> {
    // What answers by its form alone costs no transaction.
    if (hashes.length === 0) {
      const whole = isWhole(sale, items, []);
      return { kind: 'decided', decisions: this.#answers(sale, items, new Map(), whole) };
    }
    const { group } = this.#ports;
    return group.run(hashes, async (unit): Promise<Tried> => {
      const outcomes = await this.#outcomes(unit, call, sale, hashes, mayWait);
      const given = [...outcomes.values()].map(({ outcome }) => outcome);
      if (given.some(({ kind }) => kind === 'conflict')) return { kind: 'conflict' };
      const waits = [...outcomes].flatMap(([hash, { outcome }]) =>
        outcome.kind === 'waits' ? [{ hash, until: outcome.until }] : [],
      );
      if (waits.length > 0) {
        for (const outcome of given)
          if (outcome.kind === 'waits' || outcome.kind === 'refused') unit.apply(outcome.changes);
        return { kind: 'waits', waits };
      }
      for (const [codeHash, { outcome, view }] of outcomes) {
        const at = { codeHash, door: cartDoor(sale.client), basket: sale.basket };
        if (outcome.kind === 'refused' && view !== null) unit.refuse({ ...at, reason: outcome.refusal.reason });
        unit.shown(codeHash, at.door, at.basket, this.#customerOf(sale));
        unit.apply([{ do: 'seen', row: { codeHash, store: null, at: this.#ports.now() } }]);
      }
      const whole = isWhole(sale, items, given);
      for (const outcome of given)
        if (outcome.kind !== 'conflict' && (whole || outcome.kind === 'refused')) unit.apply(outcome.changes);
      return { kind: 'decided', decisions: this.#answers(sale, items, outcomes, whole) };
    });
  }

  async #outcomes(
    unit: Unit,
    call: 'validate' | 'redeem',
    sale: CartSale,
    hashes: readonly CodeHash[],
    mayWait: boolean,
  ): Promise<Map<CodeHash, Decided>> {
    const { now, newId } = this.#ports;
    const at = now();
    const outcomes = new Map<CodeHash, Decided>();
    for (const hash of hashes) {
      const present = await unit.view(hash);
      // A hold that is over ends before anybody is told 'in use'.
      if (present?.code.hold != null && present.code.hold.until <= at)
        unit.apply(expireHold(present, await unit.handOver(hash), at));
      const view = await unit.view(hash);
      if (view !== null && !mayWait) unit.apply(stopWaitingCart(view, sale.client, sale.basket));
      const reversal = await unit.reversal(cartDoor(sale.client), hash, sale.basket);
      const outcome = decideCart(call, sale, { view, reversal, redemptionId: newId(), waitId: newId() }, mayWait, at);
      const redeemed =
        outcome.kind !== 'redeemed'
          ? null
          : outcome.again
            ? await unit.redemption(outcome.redemption)
            : newRedemption(outcome);
      const again = outcome.kind === 'redeemed' && outcome.again && redeemed !== null;
      const offer = view === null ? null : again ? await unit.offerAt(view, redeemed.at) : view.card.offer;
      outcomes.set(hash, { outcome, view, offer, redeemed });
    }
    return outcomes;
  }

  #answers(
    sale: CartSale,
    items: readonly Item[],
    outcomes: ReadonlyMap<CodeHash, Decided>,
    whole: boolean,
  ): Decision[] {
    return items.map((item) => {
      if ('answer' in item)
        return whole || item.answer.decision !== 'approved'
          ? item.answer
          : this.#refusal(item.code, sale, incomplete, null);
      const decided = outcomes.get(item.hash);
      if (decided === undefined) throw new Error('a code was not decided');
      return this.#answer(item.code, sale, decided, whole);
    });
  }

  #answer(code: Code, sale: CartSale, { outcome, view, offer, redeemed }: Decided, whole: boolean): Decision {
    if (outcome.kind === 'refused') return this.#refusal(code, sale, outcome.refusal, view);
    // What this basket has redeemed before stays so, whatever came to it since.
    const again = outcome.kind === 'redeemed' && outcome.again;
    if (!whole && !again) return this.#refusal(code, sale, incomplete, view);
    if (offer === null || outcome.kind === 'conflict' || outcome.kind === 'waits')
      throw new Error('an approval without a code');
    const until = outcome.kind === 'held' ? (outcome.row.hold?.until ?? null) : null;
    return approval(code, sale, offer, until, redeemed === null ? null : redemptionView(redeemed, null));
  }

  #testAnswer(call: 'validate' | 'redeem', reason: TestReason, sale: CartSale): Decision {
    const code = testCode(reason);
    const now = this.#ports.now();
    if (reason !== 'approved' && reason !== 'slow')
      return this.#refusal(code, sale, { reason, facts: testFacts(now) }, null);
    const offer = testOffer(sale.total?.currency ?? 'USD');
    if (call === 'validate') return approval(code, sale, offer, now + USE_MS, null);
    const { basket, lane } = sale;
    const at = new Date(now).toISOString();
    const door = cartDoor(sale.client);
    return approval(code, sale, offer, null, {
      id: testRedemptionId(basket),
      at,
      door,
      store: null,
      lane,
      basket,
      settled: true,
    });
  }

  #refusal(code: string, sale: CartSale, { reason, facts }: Refusal, view: CodeView | null): Decision {
    const row = REASONS[reason];
    return {
      decision: row.decision,
      mode: null,
      reason,
      text: row.text(facts, { timeZone: view?.card.timeZone ?? 'UTC', now: this.#ports.now() }),
      code,
      basket: sale.basket,
      offer: null,
      reservation: null,
      redemption: null,
      facts: { ...factsForApi(facts) },
      backlog: 0,
    };
  }
}

function approval(
  code: string,
  sale: CartSale,
  offer: Offer,
  until: number | null,
  redemption: RedemptionView | null,
): Decision {
  return {
    decision: 'approved',
    mode: 'online',
    reason: null,
    text: approvedText(offer.discount),
    code,
    basket: sale.basket,
    offer,
    reservation: until === null ? null : { holder: cartDoor(sale.client), until: new Date(until).toISOString() },
    redemption,
    facts: {},
    backlog: 0,
  };
}

type Decided = {
  readonly outcome: CartOutcome;
  readonly view: CodeView | null;
  /** A redemption shown again is shown as it was [P4]. */
  readonly offer: Offer | null;
  readonly redeemed: RedemptionRow | null;
};
type Tried =
  | { readonly kind: 'decided'; readonly decisions: Decision[] }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'waits'; readonly waits: readonly { readonly hash: CodeHash; readonly until: number }[] };

/** The same coupon twice in one call, by its normal form. What is no coupon may come twice. */
function hasDuplicate(readings: readonly CodeReading[]): boolean {
  const coupons = readings.flatMap((reading) =>
    reading.kind === 'code' ? reading.code : reading.kind === 'test' ? testCode(reading.reason) : [],
  );
  return new Set(coupons).size < coupons.length;
}

/** All are good, or nobody asked for all or none. */
function isWhole({ allOrNone }: CartSale, items: readonly Item[], outcomes: readonly CartOutcome[]): boolean {
  if (!allOrNone) return true;
  return (
    items.every((item) => 'hash' in item || item.answer.decision === 'approved') &&
    outcomes.every(({ kind }) => kind !== 'refused')
  );
}

const incomplete: Refusal = { reason: 'basket_incomplete', facts: {} };

function newRedemption(outcome: Extract<CartOutcome, { kind: 'redeemed' }>): RedemptionRow | null {
  for (const change of outcome.changes) if (change.do === 'redemption') return change.row;
  return null;
}

/** What the ledger has is settled. */
export function redemptionView(row: RedemptionRow, store: string | null): RedemptionView {
  const { id, door, lane, basket } = row;
  return { id, at: new Date(row.at).toISOString(), door, store, lane, basket, settled: true };
}
