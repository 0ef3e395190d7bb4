import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Decision } from '../../protocol/redemption-api.ts';
import type { Door } from './calls.ts';
import { Town } from './harness.ts';

/**
 * One code, two hundred redeems at once over three doors of real processes. `npm run race` plays a hundred rounds; a seed
 * that was printed is played again with TEARLINE_RACE_SEED.
 */
const ROUNDS = Number(process.env.TEARLINE_RACE_ROUNDS ?? 12);
const SEED = Number(process.env.TEARLINE_RACE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const REQUESTS = 200;
/** Callers come all at once, or spread over as long as a recall takes. */
const SPREADS_MS = [0, 5, 50, 300];
/** A door may come later than the others: else the one that is nearest to the ledger always wins. */
const DOOR_LATE_MS = 60;
/** On a machine that is overloaded a register may give up on the cloud before it answers. */
const RETRIES_MAX = 5;
const STARTS = ['unreserved', 'stocked in store 1', 'held by the cart'] as const;
type Start = (typeof STARTS)[number];

let town: Town;
const winners = new Map<string, number>();

beforeAll(async () => {
  town = await Town.start();
});
afterAll(async () => {
  const won = [...winners].map(([door, count]) => `${door} ${count}`).sort();
  console.log(`The race: ${ROUNDS} rounds of ${REQUESTS}, seed ${SEED}. Winners: ${won.join(', ')}.`);
  await town?.end();
});

test(`of ${REQUESTS} requests for one code over three doors exactly one is approved, in ${ROUNDS} rounds (seed ${SEED})`, {
  timeout: 60_000 + ROUNDS * 10_000,
}, async () => {
  const random = generator(SEED);
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = STARTS[round % STARTS.length] ?? 'unreserved';
    const outcome = await play(start, random);
    expect({ round, start, ...outcome }).toEqual({ round, start, approved: 1, unexplained: [] });
  }
});

test('afterwards the ledger knows every winner, and nobody else', async () => {
  expect(await town.judge()).toEqual([]);
  expect(town.history.standing()).toHaveLength(ROUNDS);
});

async function play(start: Start, random: () => number): Promise<{ approved: number; unexplained: string[] }> {
  const [code = ''] = await town.newCodes(1);
  const [one, two] = town.stores;
  const doors: readonly Door[] = [one, two, town.cart];
  const holder = town.basket();
  if (start === 'stocked in store 1') await town.stock(one, [code]);
  if (start === 'held by the cart') await town.cart.validate(code, holder);
  const spreadMs = SPREADS_MS[Math.floor(random() * SPREADS_MS.length)] ?? 0;
  const lateMs = new Map(doors.map((door) => [door, random() * DOOR_LATE_MS]));
  const requests = Array.from({ length: REQUESTS }, (_, i) => {
    // The basket that holds it redeems it too: everybody else is to be refused.
    const door =
      start === 'held by the cart' && i === 0 ? town.cart : (doors[Math.floor(random() * doors.length)] ?? one);
    const basket = start === 'held by the cart' && i === 0 ? holder : town.basket();
    return { door, basket, waitMs: (lateMs.get(door) ?? 0) + random() * spreadMs };
  });
  let answers = await Promise.all(
    requests.map(async ({ door, basket, waitMs }) => {
      await sleep(waitMs);
      return { door, basket, answer: await door.redeem(code, basket) };
    }),
  );
  // Nobody won, and somebody was told that it cannot be known now: that caller asks again.
  for (let tries = 0; tries < RETRIES_MAX && !answers.some(isApproved); tries += 1)
    answers = await Promise.all(
      answers.map(async (one) =>
        one.answer.decision === 'undetermined' ? { ...one, answer: await one.door.redeem(code, one.basket) } : one,
      ),
    );
  const won = answers.filter(isApproved);
  for (const { door } of won) winners.set(nameOf(door), (winners.get(nameOf(door)) ?? 0) + 1);
  return { approved: won.length, unexplained: answers.flatMap((one) => objection(one.door, one.answer)) };
}

const isApproved = ({ answer }: { readonly answer: Decision }): boolean => answer.decision === 'approved';

/** Who loses hears why: it is in use, held elsewhere or spent. What cannot be known is never said where it is known. */
function objection(door: Door, { decision, reason, text }: Decision): string[] {
  if (decision === 'approved') return [];
  const allowed = ['in_use', 'held_elsewhere', 'already_redeemed'];
  // A register may give up on the cloud after 0.8 s; a cart asks the ledger itself, and always knows.
  if (door !== town.cart) allowed.push('cannot_verify');
  return reason !== null && allowed.includes(reason) && text !== '' ? [] : [`${door.id}: ${decision} ${reason}`];
}

function nameOf(door: Door): string {
  return door === town.cart ? 'the cart' : `store ${town.stores.find(({ id }) => id === door.id)?.store}`;
}

/** Mulberry32: small, and the same on every machine. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
