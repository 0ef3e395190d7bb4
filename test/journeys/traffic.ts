import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Decision } from '../../protocol/redemption-api.ts';
import { brief, type Door, Refused, Unanswered } from './calls.ts';
import type { Town } from './harness.ts';
import { tearline, until } from './processes.ts';

/** All that registers, carts and an office do, at once; whoever is not answered asks again, as the contract says. */

/** A box and its cloud may both have to start again first. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 50;

/** @param codes ten new ones, and two that are stocked in store 1 @returns when every caller has a definite answer */
export async function traffic(
  town: Town,
  codes: readonly string[],
  stocked: readonly string[],
  name: string,
): Promise<void> {
  const [one, two] = town.stores;
  const { cart } = town;
  const of = (i: number) => ({ code: codes[i] ?? '', basket: `${name}-${i}` });
  await Promise.all([
    sold(one, of(0)),
    undone(one, two, of(1)),
    letGo(one, cart, of(2)),
    sold(cart, { code: stocked[0] ?? '', basket: `${name}-recalled` }),
    undoneElsewhere(one, cart, of(3)),
    undoneElsewhere(cart, one, of(4)),
    heldOnline(cart, one, of(5)),
    letGo(cart, two, of(6)),
    undone(cart, one, of(7)),
    abandoned(one, two, of(8)),
    sold(two, of(9)),
    voided(town, stocked[1] ?? ''),
    office(town, name),
    given(town, name),
    tookIn(town, name),
    printed(one, two, { campaign: 'thanks', basket: `${name}-receipt` }),
    printed(cart, one, { campaign: 'thanks', basket: `${name}-order` }),
    printedUnasked(town, one, name),
    printedForOne(town, [one, two], name),
    fedIn(town, name),
    drilled(town),
  ]);
}

/** A new box for store 2: its code, and the box that uses it. */
export async function enrolled(town: Town, dataDirectory: string): Promise<void> {
  const { code } = await patiently(() =>
    town.admin('/v1/stores/0002/enrolments', z.object({ code: z.string() }), { method: 'POST' }),
  );
  await patiently(async () => {
    const args = ['gateway', 'enrol', '--cloud', town.demo().cloud, '--code', code, '--data', dataDirectory];
    const { status, stderr } = await tearline(args);
    if (status === 69 && !stderr.includes('unknown, used or expired')) throw new Unanswered(stderr);
    if (status !== 0) throw new Error(stderr);
  });
}

type Sale = { readonly code: string; readonly basket: string };

async function sold(door: Door, { code, basket }: Sale): Promise<void> {
  await approved(() => door.validate(code, basket));
  await approved(() => door.redeem(code, basket));
  await patiently(() => door.basket(basket));
}

async function undone(door: Door, then: Door, { code, basket }: Sale): Promise<void> {
  await approved(() => door.redeem(code, basket));
  await patiently(() => door.reverse(code, basket));
  await approved(() => then.redeem(code, `${basket}-again`));
}

async function undoneElsewhere(door: Door, desk: Door, { code, basket }: Sale): Promise<void> {
  await approved(() => door.redeem(code, basket));
  await until(
    'the reversal is done',
    async () => (await desk.reverse(code, basket, door.id)).reversed === true,
    PATIENCE_MS,
  );
}

async function letGo(door: Door, then: Door, { code, basket }: Sale): Promise<void> {
  await approved(() => door.validate(code, basket));
  await patiently(() => door.release(code, basket));
  await approved(() => then.redeem(code, `${basket}-then`));
}

/** A register is refused what a cart holds. */
async function heldOnline(cart: Door, register: Door, { code, basket }: Sale): Promise<void> {
  await approved(() => cart.validate(code, basket));
  const refused = () => patiently(() => register.redeem(code, `${basket}-refused`));
  await until('the refusal', async () => (await refused()).reason === 'in_use', PATIENCE_MS);
  await approved(() => cart.redeem(code, basket));
}

/** Not answered at once: finished without the discount, and reversed until that is answered. */
async function abandoned(door: Door, then: Door, { code, basket }: Sale): Promise<void> {
  await door.redeem(code, basket).catch(() => undefined);
  await patiently(() => door.reverse(code, basket));
  await approved(() => then.redeem(code, `${basket}-then`));
}

async function voided(town: Town, code: string): Promise<void> {
  const path = `/v1/codes/${code}/void`;
  await patiently(() => town.admin(path, z.object({ state: z.string() }), { method: 'POST' }));
  await until('the void is final', async () => (await town.look(code)).state === 'voided', PATIENCE_MS);
}

/** The marketer's and the desk's calls. What an earlier try has made is there: that is an answer too. */
async function office(town: Town, name: string): Promise<void> {
  const title = `Office ${name}`;
  const discount = { type: 'amount', amount: 100, currency: 'USD' };
  const campaign = { id: name, title, discount, timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-12-31' };
  await made(town, '/v1/campaigns', campaign);
  await made(town, '/v1/stores', { id: name.slice(-8), name: title, timeZone: 'UTC' });
  const change = { method: 'PATCH', body: { title: `${title}, changed` } } as const;
  await patiently(() => town.admin(`/v1/campaigns/${name}`, z.unknown(), change));
  const [code = ''] = await patiently(() => town.newCodes(1, name));
  await patiently(() => town.admin('/v1/stores/0002/stock', z.unknown(), { body: { codes: [code] } }));
  await patiently(() => town.look(code));
  await patiently(() => town.stores[0].lookAt(code));
  await patiently(() => town.admin('/v1/stores/0002/enrolments', z.unknown(), { method: 'POST' }));
}

/** A customer asks for a coupon again and again: one code, the same one, and it is good. */
async function given(town: Town, name: string): Promise<void> {
  const discount = { type: 'amount', amount: 100, currency: 'USD' };
  const campaign = { title: `Given ${name}`, discount, timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-12-31' };
  await made(town, '/v1/campaigns', { ...campaign, id: `given-${name}` });
  const answer = z.object({ url: z.string(), code: z.string() });
  const body = { campaign: `given-${name}`, customer: `customer of ${name}`.replaceAll(' ', '-') };
  const ask = () => patiently(() => town.admin('/v1/claims', answer, { body, token: town.demo().cartToken }));
  const [one, two, three] = await Promise.all([ask(), ask(), ask()]);
  const again = await ask();
  for (const other of [two, three, again])
    if (other?.code !== one?.code || other?.url !== one?.url) throw new Error('a customer got two coupons');
  await approved(() => town.cart.redeem(again.code, `${name}-given`));
}

/** A stack made elsewhere: sent again, it is told that its codes exist, or it is taken in. */
async function tookIn(town: Town, name: string): Promise<void> {
  const discount = { type: 'amount', amount: 100, currency: 'USD' };
  const campaign = { title: `Import ${name}`, discount, timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-12-31' };
  await made(town, '/v1/campaigns', { ...campaign, id: `import-${name}` });
  const code = `IMPORTED-${name}`;
  const path = `/v1/campaigns/import-${name}/stacks`;
  const answer = await patiently(async () => {
    const answer = await town.askAdmin(path, { body: code, headers: { 'content-type': 'text/csv' } });
    if (answer.status >= 500) throw new Refused(path, answer);
    return answer;
  });
  if (answer.status !== 201 && !answer.text.includes('a code that exists')) throw new Refused(path, answer);
  await approved(() => town.cart.redeem(code, `${name}-imported`));
}

type Receipt = { readonly campaign: string; readonly basket: string; readonly customer?: string };

/** A coupon on the receipt, which another door redeems. */
async function printed(door: Door, then: Door, receipt: Receipt): Promise<void> {
  const code = await receiptOf(door, receipt);
  await approved(() => then.redeem(code, `${receipt.basket}-next`));
}

/** The same one however often it is asked for. */
async function receiptOf(door: Door, { campaign, basket, ...about }: Receipt): Promise<string> {
  const ask = async () => {
    const issued = await patiently(() => door.issue(campaign, basket, about));
    if (issued.code === null) throw new Error(`${basket}: ${issued.reason}`);
    return issued.code;
  };
  const code = await until('the coupon', ask, PATIENCE_MS);
  const again = await ask();
  if (again !== code) throw new Error(`${basket} was given ${code}, then ${again}`);
  return code;
}

/** A customer who is named at two tills, of a campaign that holds none ahead: one coupon, whoever dies. */
async function printedForOne(town: Town, tills: readonly [Door, Door], name: string): Promise<void> {
  const discount = { type: 'amount', amount: 100, currency: 'USD' };
  const campaign = { title: `Own ${name}`, discount, timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-12-31' };
  await made(town, '/v1/campaigns', { ...campaign, id: `own-${name}` });
  const receipt = { campaign: `own-${name}`, customer: `customer-of-${name}` };
  const [code, other] = await Promise.all(
    tills.map((door, at) => receiptOf(door, { ...receipt, basket: `${name}-own-${at}` })),
  );
  if (code === undefined || code !== other) throw new Error(`a customer got ${code} and ${other}`);
  await approved(() => tills[1].redeem(code, `${name}-own-next`));
}

/** Of a campaign that holds none ahead, and of none. */
async function printedUnasked(town: Town, door: Door, name: string): Promise<void> {
  const discount = { type: 'amount', amount: 100, currency: 'USD' };
  const campaign = { title: `Reward ${name}`, discount, timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-12-31' };
  await made(town, '/v1/campaigns', { ...campaign, id: `reward-${name}` });
  await printed(door, door, { campaign: `reward-${name}`, basket: `${name}-reward` });
  const nothing = () => patiently(() => door.issue(`never-${name}`, `${name}-nothing`));
  await until('a clear no', async () => (await nothing()).reason === 'unknown_campaign', PATIENCE_MS);
}

/** A till tells what it did by itself: sale and undoing, each again until it is answered. */
async function fedIn(town: Town, name: string): Promise<void> {
  const [code = ''] = await patiently(() => town.newCodes(1));
  const path = '/v1/redemptions/feed';
  const tell = async (what: 'redeemed' | 'reversed') => {
    const item = { what, code, at: new Date().toISOString(), basket: `${name}-fed` };
    const answer = await patiently(async () => {
      const answer = await town.cart.ask(path, { body: { redemptions: [item] } });
      if (answer.status >= 500) throw new Refused(path, answer);
      return answer;
    });
    if (!answer.text.includes('"taken"')) throw new Refused(path, answer);
  };
  await tell('redeemed');
  await tell('reversed');
  await approved(() => town.cart.redeem(code, `${name}-fed-again`));
}

/** Store 2's line goes and comes: goodbye, hello, challenge, attest, welcome. */
async function drilled(town: Town): Promise<void> {
  const [, two] = town.stores;
  await patiently(() => two.drill('cut'));
  await sleep(AGAIN_MS);
  await patiently(() => two.drill('open'));
}

async function made(town: Town, path: string, body: unknown): Promise<void> {
  const answer = await patiently(async () => {
    const answer = await town.askAdmin(path, { body });
    if (answer.status >= 500) throw new Refused(path, answer);
    return answer;
  });
  if (answer.status !== 201 && answer.status !== 409) throw new Refused(path, answer);
}

/** In this traffic everybody gets in the end what is asked for: others let go, or have undone it. */
function approved(ask: () => Promise<Decision>): Promise<Decision> {
  return until(
    'the approval',
    async () => {
      const decision = await patiently(ask);
      if (decision.decision === 'approved') return decision;
      throw new Error(brief(decision));
    },
    PATIENCE_MS,
  );
}

/** Asks until there is an answer. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isLost = error instanceof Unanswered || (error instanceof Refused && error.status >= 500);
      if (!isLost || performance.now() > deadline) throw error;
      await sleep(AGAIN_MS);
    }
  }
}
