import { hashCode } from '../../protocol/code.ts';
import { EVERY_FORM } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { choosePlace } from '../../cloud/distribution/places.ts';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { seeded } from './chance.ts';
import { type Model, type People, type Place, peopleOf, type Visit } from './stocking-model.ts';
import { Town } from './town.ts';

/** What stores hold when the line goes decides what an outage costs: the same day, played with stock by each rule. */

/** `chance`: dealt in turn to all stores. `choice`: home store, where the owner was seen, and what the owner says. */
export const RULES = ['none', 'chance', 'home', 'choice'] as const;
export type Rule = (typeof RULES)[number];
/** With the likelihood at which a coupon is reserved ahead, percent. */
export type Policy = { readonly rule: Rule; readonly likelihoodMin: number };

/** How many coupons: of those shown in that place, all genuine and shown once. */
export type Outcome = Policy & {
  readonly seed: number;
  readonly held: number;
  /** Face value in one store, minor units. */
  readonly valueMean: number;
  readonly valueMost: number;
  readonly cutOff: { readonly shown: number; readonly approved: number };
  readonly connected: { readonly shown: number; readonly approved: number; readonly refusedByHolds: number };
  readonly online: {
    readonly shown: number;
    /** Approved, and a store had to be asked first. */
    readonly delayed: number;
    /** Refused, since a store has it that cannot be asked. */
    readonly refused: number;
  };
};

export type Progress = (line: string) => void;

/** Deterministic: one seed, one outcome. @throws where what was approved is not what the ledger has in the end */
export async function playStocking(model: Model, seed: number, policy: Policy, say: Progress): Promise<Outcome> {
  const { rule, likelihoodMin } = policy;
  const people = peopleOf(model, seed);
  const town = await Town.open(STARTS_AT, seeded(seed + 1), {
    stockMax: { units: model.unitsMax, value: model.valueMax },
    stockLikelihoodMin: likelihoodMin,
  });
  try {
    for (let i = 0; i < model.stores; i += 1) await town.addStore(storeId(i));
    const codes = await issue(town, model, rule);
    say(`${codes.length} coupons are issued in ${town.boxes.length} stores`);
    if (rule === 'home' || rule === 'choice') await assignAll(town, people, codes, rule);
    await dealAll(town, say);
    if (rule === 'choice') await sayAll(town, people, say);
    const stock = await stockOf(town, model);
    const day = await playDay(town, model, people, codes, say);
    await checkEnd(town, day);
    return { ...policy, seed, ...stock, ...day };
  } finally {
    await town.close();
  }
}

export const STARTS_AT = Date.UTC(2026, 10, 23, 8);
const DAY_MS = 86_400_000;
const CAMPAIGN = 'spring';
const storeId = (index: number): string => String(index + 1).padStart(4, '0');
/** Null: online. */
export const storeOf = (place: Place): string | null => (place === 'online' ? null : storeId(place));
const assignmentId = (coupon: number): string => `a-${coupon}`;

async function issue(town: Town, model: Model, rule: Rule): Promise<string[]> {
  const everyStore = Array.from({ length: model.stores }, (_, index) => storeId(index));
  const terms = newCampaignSchema.parse({
    title: 'Off',
    discount: { type: 'amount', amount: model.worth, currency: 'USD' },
    timeZone: 'UTC',
    startsAt: new Date(STARTS_AT - DAY_MS).toISOString(),
    endsAt: new Date(STARTS_AT + 30 * DAY_MS).toISOString(),
    // Only a campaign that names its stores is dealt in turn.
    stores: rule === 'chance' ? everyStore : 'all',
  });
  await town.ledger.createCampaign(campaignOf(CAMPAIGN, 1, terms));
  const stack = await town.ledger.issueStack(CAMPAIGN, model.coupons);
  if (!stack.ok) throw new Error(stack.error.why);
  const codes: string[] = [];
  for await (const chunk of (await town.ledger.stackCodes(stack.value.id)) ?? []) codes.push(...chunk);
  return codes;
}

const PER_TRANSACTION = 1_000;

/** One customer for each coupon, with what is known of them. */
async function assignAll(town: Town, { owners }: People, codes: readonly string[], rule: Rule): Promise<void> {
  for (let from = 0; from < owners.length; from += PER_TRANSACTION)
    await town.people.transaction(async (tx) => {
      for (const [i, { home, seen }] of owners.slice(from, from + PER_TRANSACTION).entries()) {
        const coupon = from + i;
        const customer = `c-${coupon}`;
        const codeHash = hashOf(town, codes[coupon] ?? '');
        await tx.putCustomer({
          ...{ id: customer, language: 'en', timeZone: null, sealedName: null, createdAt: STARTS_AT },
          ...{ homeStore: home === null ? null : storeId(home), mergedInto: null, erasedAt: null },
        });
        await tx.putAssignment({
          ...{ id: assignmentId(coupon), campaign: CAMPAIGN, customer, ordinal: 1, codeHash, sealedCode: Buffer.of(0) },
          ...{
            linkHash: codeHash,
            how: 'ahead',
            channel: 'email',
            source: {},
            at: STARTS_AT,
            replacedBy: null,
            untold: false,
          },
        });
        if (rule === 'home') continue;
        // As if each had shown a coupon there at that time.
        for (const { place, agoMs } of seen)
          await tx.putSighting(customer, { store: storeOf(place), at: STARTS_AT - agoMs });
      }
    });
}

function hashOf({ fleetKey }: Town, code: string) {
  const reading = readCode(code, EVERY_FORM);
  if (reading.kind !== 'code') throw new Error('a code that is none');
  return hashCode(fleetKey, reading.code);
}

const TICKS_PER_BEAT = 30;
/** A round of dealing begins every 30 s: nothing more in two of them is the end. */
const IDLE_TICKS = 60;

/** The cloud ticks each second until stores are full or nothing is left to deal. */
async function dealAll(town: Town, say: Progress): Promise<void> {
  let held = 0;
  for (let tick = 1, idle = 0; idle < IDLE_TICKS; tick += 1) {
    if (tick % TICKS_PER_BEAT === 0) {
      await town.pass(1_000);
      say(`${held} coupons wait in stores`);
    } else {
      town.clock.now += 1_000;
      await town.tick();
    }
    const now = town.boxes.reduce((sum, { till }) => sum + till.status().holding, 0);
    idle = now === held ? idle + 1 : 0;
    held = now;
  }
}

const CHOICES_PER_BEAT = 2_000;

/** Owners say where on their phones, after the first stock was dealt. */
async function sayAll(town: Town, { owners }: People, say: Progress): Promise<void> {
  const ports = { store: town.people, ledger: town.ledger, now: () => town.clock.now };
  const answers = new Map<string, number>();
  let chose = 0;
  for (const [coupon, { said }] of owners.entries()) {
    if (said === null) continue;
    const answer = await choosePlace(ports, assignmentId(coupon), storeOf(said));
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    await town.quiet();
    chose += 1;
    if (chose % CHOICES_PER_BEAT !== 0) continue;
    await town.pass(1_000);
    say(`${chose} owners have said where`);
  }
  say(`owners said where: ${[...answers].map(([answer, count]) => `${count} ${answer}`).join(', ')}`);
}

async function stockOf({ boxes }: Town, { worth }: Model) {
  const units = boxes.map(({ till }) => till.status().holding);
  const held = units.reduce((sum, each) => sum + each, 0);
  return { held, valueMean: (held * worth) / boxes.length, valueMost: Math.max(...units) * worth };
}

type Day = Pick<Outcome, 'cutOff' | 'connected' | 'online'>;
/** Boxes are heard, and what is due ends, this often. */
const BEAT_MS = 900_000;

async function playDay(
  town: Town,
  model: Model,
  people: People,
  codes: readonly string[],
  say: Progress,
): Promise<Day> {
  for (const index of people.cutOff) await town.boxes[index]?.cut();
  await town.quiet();
  const startedAt = town.clock.now;
  const cutOff = { shown: 0, approved: 0 };
  const connected = { shown: 0, approved: 0, refusedByHolds: 0 };
  const online = { shown: 0, delayed: 0, refused: 0 };
  let beats = 0;
  for (const visit of people.visits) {
    for (; (beats + 1) * BEAT_MS <= visit.atMs; beats += 1) {
      town.clock.now = startedAt + beats * BEAT_MS;
      await town.pass(BEAT_MS);
    }
    town.clock.now = startedAt + visit.atMs;
    const code = codes[visit.coupon] ?? '';
    const { decision, wasHeld } = await show(town, model, visit, code);
    if (visit.where === 'online') {
      online.shown += 1;
      if (decision.decision !== 'approved') online.refused += 1;
      else if (wasHeld) online.delayed += 1;
    } else if (people.cutOff.has(visit.where)) {
      cutOff.shown += 1;
      if (decision.decision === 'approved') cutOff.approved += 1;
    } else {
      connected.shown += 1;
      if (decision.decision === 'approved') connected.approved += 1;
      else if (decision.reason === 'held_elsewhere') connected.refusedByHolds += 1;
    }
    if ((cutOff.shown + connected.shown + online.shown) % 5_000 === 0)
      say(`${cutOff.shown + connected.shown + online.shown} of ${people.visits.length} coupons were shown`);
  }
  return { cutOff, connected, online };
}

async function show(
  town: Town,
  { worth }: Model,
  { where, coupon }: Visit,
  code: string,
): Promise<{ decision: Decision; wasHeld: boolean }> {
  const total = { amount: worth * 10, currency: 'USD' };
  const sale = { codes: [code], allOrNone: false, basket: `b-${coupon}`, total, customer: null, discount: null };
  const box = where === 'online' ? null : town.boxes[where];
  const [row] = await town.store.read((tx) => tx.codes([hashOf(town, code)]));
  const asked =
    box == null ? town.ledger.redeem({ ...sale, client: 'shop', lane: null }) : box.till.redeem({ ...sale, lane: '1' });
  const answer = await asked;
  await town.quiet();
  const decision = answer.ok ? answer.value[0] : undefined;
  if (decision === undefined) throw new Error('no decision');
  return { decision, wasHeld: row?.state === 'reserved' };
}

/** With the line back all is settled: each coupon was spent once, and the ledger knows of every one. */
async function checkEnd(town: Town, { cutOff, connected, online }: Day): Promise<void> {
  for (const box of town.boxes) box.connect();
  await town.quiet();
  await town.pass(1_000);
  const approved = cutOff.approved + connected.approved + online.shown - online.refused;
  const redeemed = (await town.ledger.exposure(CAMPAIGN))?.redeemed.units;
  const exceptions = (await town.ledger.exceptions()).length;
  if (redeemed !== approved || exceptions > 0)
    throw new Error(`${approved} were approved, the ledger has ${redeemed}, and ${exceptions} exceptions`);
}
