import type { LanePorts } from '../../gateway/lanes/lane.ts';
import { type SaleRequest, type TillStatus, TillUnavailable } from '../../gateway/till/port.ts';
import { type Code, makeCodes } from '../../protocol/code.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { approvedText, type Facts, factsForApi, REASONS, type Reason } from '../../protocol/decision.ts';
import type { Discount, Offer } from '../../protocol/offer.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { err, ok } from '../../protocol/result.ts';

type Coupon = { readonly offer: Offer; basket: string | null; redeemed: Decision['redemption']; reversed: Set<string> };

/** A till without a store behind it: as much as a lane can tell from a real one. */
export class FakeTill {
  readonly couponsByCode = new Map<string, Coupon>();
  line: TillStatus['line'];
  state: TillStatus['state'] = 'validated';
  holding = 412;
  backlog = 0;
  isUnavailable = false;
  /** Codes that are not held here and need the line. */
  readonly elsewhere = new Set<string>();
  /** Each call as it came. */
  readonly calls: { call: string; codes: readonly string[]; basket: string }[] = [];
  readonly #now: () => number;
  #holdBack: Promise<void> = Promise.resolve();

  constructor(now: () => number) {
    this.#now = now;
    this.line = { state: 'up', since: now() };
  }

  /** A new code with this discount. */
  coupon(discount: Discount = fiveDollars, title = '$5 off'): Code {
    const [code] = makeCodes(1, (size) => crypto.getRandomValues(new Uint8Array(size)));
    if (code === undefined) throw new Error('no code was made');
    const offer = { campaign: 'spring', title, discount, promotionRef: null };
    this.couponsByCode.set(code, { offer, basket: null, redeemed: null, reversed: new Set() });
    return code;
  }

  /** Answers wait until what this returns is called. */
  holdBack(): () => void {
    let go = () => {};
    this.#holdBack = new Promise((done) => (go = done));
    return go;
  }

  readonly ports: LanePorts['till'] = {
    validate: async (sale) => {
      this.#note('validate', sale);
      await this.#holdBack;
      return ok(sale.codes.map((code) => this.#validate(code, sale)));
    },
    redeem: async (sale) => {
      this.#note('redeem', sale);
      await this.#holdBack;
      if (new Set(sale.codes).size < sale.codes.length) return err('duplicate_code');
      return ok(sale.codes.map((code) => this.#redeem(code, sale)));
    },
    release: async ({ code, basket }) => {
      this.#note('release', { codes: [code], basket });
      const coupon = this.#find(code);
      if (coupon?.basket === basket) coupon.basket = null;
    },
    reverse: async ({ code, basket }) => {
      this.#note('reverse', { codes: [code], basket });
      const coupon = this.#find(code);
      coupon?.reversed.add(basket);
      if (coupon?.redeemed?.basket !== basket) return { reversed: true, redemption: null };
      const { redeemed } = coupon;
      Object.assign(coupon, { redeemed: null, basket: null });
      return { reversed: true, redemption: redeemed };
    },
    status: () => this.#status(),
  };

  #note(call: string, { codes, basket }: { codes: readonly string[]; basket: string }): void {
    this.calls.push({ call, codes, basket });
    if (this.isUnavailable) throw new TillUnavailable('the disk is full');
  }

  #find(code: string): Coupon | undefined {
    const reading = readCode(code, []);
    return reading.kind === 'code' ? this.couponsByCode.get(reading.code) : undefined;
  }

  #validate(code: string, sale: SaleRequest): Decision {
    const reading = readCode(code, []);
    switch (reading.kind) {
      case 'test':
        return this.#test(reading.reason, sale);
      case 'not_a_coupon':
      case 'malformed_code':
      case 'not_single_use':
        return this.#refuse(reading.kind, sale);
      case 'code':
    }
    const coupon = this.couponsByCode.get(reading.code);
    if (this.elsewhere.has(reading.code) && this.line.state === 'down') return this.#refuse('cannot_verify', sale);
    if (coupon === undefined) return this.#refuse('unknown_code', sale);
    if (coupon.reversed.has(sale.basket)) return this.#refuse('reversed_first', sale);
    if (coupon.redeemed !== null) {
      if (coupon.redeemed.basket === sale.basket) return this.#approve(coupon, sale);
      return this.#refuse('already_redeemed', sale, {
        redeemedAt: Date.parse(coupon.redeemed.at),
        redeemedWhere: 'Main St',
        lane: coupon.redeemed.lane ?? '',
      });
    }
    if (coupon.basket !== null && coupon.basket !== sale.basket)
      return this.#refuse('in_use', sale, { lane: '1', freeAt: this.#now() + 60_000 });
    coupon.basket = sale.basket;
    return this.#approve(coupon, sale);
  }

  #redeem(code: string, sale: SaleRequest): Decision {
    const decision = this.#validate(code, sale);
    if (decision.decision !== 'approved' || decision.redemption !== null) return decision;
    const redemption = {
      id: 'r-00000001',
      at: new Date(this.#now()).toISOString(),
      door: 'gateway:gw-00000001',
      store: '0042',
      lane: sale.lane,
      basket: sale.basket,
      settled: false,
    };
    const coupon = this.#find(code);
    if (coupon !== undefined) coupon.redeemed = redemption;
    return { ...decision, reservation: null, redemption };
  }

  #test(reason: Reason | 'approved' | 'slow', sale: SaleRequest): Decision {
    if (reason === 'approved' || reason === 'slow') return this.#approve({ offer: testOffer, redeemed: null }, sale);
    return this.#refuse(reason, sale, testFacts);
  }

  #approve({ offer, redeemed }: Pick<Coupon, 'offer' | 'redeemed'>, sale: SaleRequest): Decision {
    const until = new Date(this.#now() + 900_000).toISOString();
    return {
      ...this.#nothing(sale),
      decision: 'approved',
      mode: 'reserved',
      text: approvedText(offer.discount),
      offer,
      reservation: redeemed === null ? { holder: 'store:0042', until } : null,
      redemption: redeemed,
    };
  }

  #refuse(reason: Reason, sale: SaleRequest, facts: Facts = {}): Decision {
    const { decision, text } = REASONS[reason];
    const where = { timeZone, now: this.#now() };
    return { ...this.#nothing(sale), decision, reason, text: text(facts, where), facts: { ...factsForApi(facts) } };
  }

  #nothing({ basket, codes }: SaleRequest): Decision {
    const code = codes[0] ?? '';
    return {
      decision: 'refused',
      mode: null,
      reason: null,
      text: '',
      code,
      basket,
      offer: null,
      reservation: null,
      redemption: null,
      facts: {},
      backlog: 0,
    };
  }

  #status(): TillStatus {
    const now = this.#now();
    return {
      gateway: 'gw-00000001',
      store: { id: '0042', name: 'Main St', timeZone },
      state: this.state,
      line: this.line,
      epoch: 1,
      head: { epoch: 1, n: 18_204, hash: '0'.repeat(64) },
      acknowledged: 18_204 - this.backlog,
      backlog: this.backlog,
      unsettledSince: this.backlog === 0 ? null : now - 600_000,
      holding: this.holding,
      blanks: 0,
      inUse: 0,
      holdsUntil: this.holding === 0 ? null : now + 72 * 3_600_000,
      clock: { proven: true, earliest: now - 100, latest: now + 100 },
      version: '0.1.0',
    };
  }
}

const timeZone = 'America/New_York';
const fiveDollars: Discount = { type: 'amount', amount: 500, currency: 'USD' };
const testOffer: Offer = { campaign: 'test', title: '$5 off', discount: fiveDollars, promotionRef: null };
const noon = Date.UTC(2026, 10, 3, 19, 2);
const testFacts: Facts = {
  redeemedAt: noon,
  redeemedWhere: 'Main St',
  lane: '2',
  freeAt: noon + 840_000,
  retryAfterSeconds: 300,
  startsAt: noon + 24 * 86_400_000,
  endsAt: noon + 12 * 86_400_000,
  needs: { amount: 2500, currency: 'USD' },
  short: { amount: 420, currency: 'USD' },
};
