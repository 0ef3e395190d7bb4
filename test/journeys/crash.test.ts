import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { POINTS } from '../crash/points.ts';
import { brief, Refused } from './calls.ts';
import { Crew } from './crew.ts';
import { Store, Town } from './harness.ts';
import { normalForm, violations } from './history.ts';
import { freePorts, tearline, until } from './processes.ts';
import { enrolled, patiently, traffic } from './traffic.ts';

/**
 * A process is killed at each of its crash points, at the first, second, third and fifth time that it passes it, while
 * registers, carts and an office are at work; it is started again, all callers ask again as the contract says, and then
 * everything is compared. `npm run crash` plays all of them; else those that guard most are played, once each.
 */
const IS_FULL = process.env.TEARLINE_CRASH_FULL === '1';
const HITS = IS_FULL ? [1, 2, 3, 5] : [1];
/** The protocol lets a box ask for stock; ours does not: the cloud deals it. */
const isUnused = (point: string) => / (publish|receive) stock: /.test(point);
/** Of a delivery: played in post-crash.test.ts. */
const isPost = (point: string) => /^cloud (post|mailer) /.test(point);
/** A fence ends the traffic of its box: played with a box that is there for it. */
const isFence = (point: string) => / (fence|revoke): /.test(point);
/** From a start to the first heartbeat's answer. */
const EXTEND_MS = 10_000;
/** Each commit, witness, publish and acknowledgement that an approval, a return or a reversal hangs on. */
const GATEWAY_CORE = [
  'gateway store commit: before',
  'gateway store commit: after',
  'gateway witness write: after',
  'gateway connection publish want: after',
  'gateway connection publish journal: after',
  'gateway till receive grant: after',
  'gateway till receive ack: before',
  'gateway till receive recall: after',
  'gateway till receive coupon: after',
  'gateway till receive reverse: after',
  'gateway till receive outcome: before',
  'gateway till redeem: after',
  'gateway till redeem: answered',
  'gateway till issue: after',
];
const CLOUD_CORE = [
  'cloud store transaction: before',
  'cloud store transaction: after',
  'cloud distribution transaction: before',
  'cloud distribution transaction: after',
  'cloud carrier publish grant: after',
  'cloud carrier publish ack: before',
  'cloud carrier publish recall: after',
  'cloud carrier publish no_blanks: before',
  'cloud ledger receive journal: after',
  'cloud ledger receive blanks: after',
  'cloud transaction makeBlanks: after',
  'cloud ledger redeem: answered',
  'cloud ledger reverse: after',
];
/** The same of a revocation. */
const FENCE_CORE = [
  'gateway till receive fence: after',
  'cloud carrier publish fence: before',
  'cloud ledger revoke: after',
];
/** Each alone; in the short play a box and the cloud die in one traffic, each at a point of its own. */
const PLAYED: readonly (readonly string[])[] = IS_FULL
  ? POINTS.filter((point) => !isUnused(point) && !isFence(point) && !isPost(point)).map((point) => [point])
  : GATEWAY_CORE.map((point, i) => [point, ...CLOUD_CORE.slice(i, i + 1)]);
const FENCES = IS_FULL ? POINTS.filter(isFence) : FENCE_CORE;

let town: Town;
let crew: Crew;
let runs = 0;
let deaths = 0;
const pointsHit = new Set<string>();

beforeAll(async () => {
  town = await Town.start();
  await town.stop();
  crew = new Crew();
  await crew.start(town);
  await town.linesAreUp();
});
afterAll(async () => {
  console.log(`Crash points: ${pointsHit.size} of ${POINTS.length} hit, ${deaths} deaths in ${runs} runs.`);
  await crew?.stop();
  await town?.end();
});

test('every point that is played is in the list', () => {
  expect([...PLAYED.flat(), ...FENCES].filter((point) => !POINTS.includes(point))).toEqual([]);
});

test.for(PLAYED.map((points) => ({ points, names: points.join(' and ') })))(
  'killed at $names',
  { timeout: HITS.length * 120_000 },
  async ({ points }) => {
    for (const hit of HITS) {
      const { missed, complaints, problems } = await play(points, hit);
      expect({ points, hit, complaints, problems }).toEqual({ points, hit, complaints: [], problems: [] });
      // The first time it must be passed; later there may be nothing left to pass it.
      if (hit === 1) expect(missed).toEqual([]);
      for (const point of points) if (!missed.includes(point)) noteDeath(point);
      if (missed.length > 0) break;
    }
  },
);

test('no approval was lost, none doubled, every answer repeats, and the books verify on all sides', async () => {
  expect(await town.judge()).toEqual([]);
});

test.each(FENCES)('a box is revoked, and somebody killed at %s', async (point) => {
  runs += 1;
  const name = `fenced-${runs}`;
  const [sold = '', left = ''] = await town.newCodes(2);
  const box = await newBox(name);
  const approved = await patiently(() => box.redeem(sold, `${name}-sold`));
  expect(approved.decision).toBe('approved');
  const doomed = await crew.doom(point.startsWith('cloud') ? 'cloud' : name, { point, hit: 1 });
  await patiently(async () => {
    const answer = await town.askAdmin(`/v1/gateways/${box.gateway}/revocation`, { method: 'POST' });
    if (answer.status >= 500) throw new Refused('/v1/gateways', answer);
    expect(answer.status).toBe(200);
  });
  await until('it dies', async () => doomed.hasEnded());
  await doomed.servesAgain();
  expect({ hasDied: doomed.hasDied(), complaint: doomed.complaint() }).toEqual({ hasDied: true, complaint: null });
  noteDeath(point);

  await box.isState('fenced');
  expect(brief(await box.redeem(left, `${name}-left`))).toBe('undetermined: cannot_verify');
  expect(brief(await patiently(() => town.cart.redeem(left, name)))).toBe('approved');
  await until('its redemption counts', async () => (await town.look(sold)).redemption?.id === approved.redemption?.id);
  expect(brief(await patiently(() => town.cart.redeem(sold, name)))).toBe('refused: already_redeemed');
  await crew.leave(name);
});

test('also by then all callers were told the truth, and the ledger says the same', async () => {
  expect(violations(town.history)).toEqual([]);
  expect(await town.notInLedger()).toEqual([]);
  expect(await town.auditLedger()).toMatchObject({ status: 0 });
});

async function play(points: readonly string[], hit: number) {
  runs += 1;
  const name = `run-${runs}`;
  const codes = await town.newCodes(12);
  const [first = '', second = '', ...others] = codes;
  await town.stock(town.stores[0], [first, second]);
  endSoon();
  const doomed = await Promise.all(
    points.map(async (point) => {
      const victim = point.startsWith('cloud') ? 'cloud' : 'store-0001';
      return { point, victim, ...(await crew.doom(victim, { point, hit })) };
    }),
  );
  // Only where no code is recalled at that moment: before the traffic.
  for (const { point, hasEnded } of doomed)
    if (/ extend: /.test(point)) await until('it dies', async () => hasEnded(), EXTEND_MS).catch(() => undefined);
  const work = [traffic(town, others, [first, second], name)];
  const isAt = (some: RegExp) => points.some((point) => some.test(point));
  if (isAt(/enrolments|addGateway/)) work.push(enrolled(town, join(town.folder, `box-${runs}`)));
  if (isAt(/ gatewayGone: /)) work.push(crew.spare('store-0002'));
  await Promise.all(work);
  await town.settled();
  for (const { victim, hasEnded, servesAgain } of doomed)
    if (hasEnded()) await servesAgain();
    else await crew.spare(victim);
  await town.settled();
  const ours = new Set(codes.map(normalForm));
  const isOurs = (code: string) => ours.has(code);
  return {
    missed: doomed.flatMap(({ point, hasDied }) => (hasDied() ? [] : [point])),
    complaints: doomed.flatMap(({ complaint }) => complaint() ?? []),
    problems: [...(await notRepeated(isOurs)), ...(await town.notInLedger(isOurs)), ...violations(town.history)],
  };
}

function noteDeath(point: string): void {
  deaths += 1;
  pointsHit.add(point);
}

/** A box of store 2 that nobody else works with. */
async function newBox(name: string): Promise<Store> {
  const dataDir = join(town.folder, name);
  await enrolled(town, dataDir);
  const token = async (scope: string) => {
    const args = ['gateway', 'token', 'create', '--scope', scope, '--name', name, '--data', dataDir];
    return (await tearline(args)).stdout.trim();
  };
  const url = `http://127.0.0.1:${await freePorts(1)}`;
  await crew.joinBox(name, dataDir, url);
  const tokens = { registerToken: await token('register'), boxToken: await token('box') };
  const box = new Store({ url, store: '0002', pid: 0, dataDir, ...tokens }, town.history);
  await box.lineIs('up');
  return box;
}

/** Reservations that are near enough to their end to be extended at the next heartbeat. */
function endSoon(): void {
  const database = new Sqlite(join(town.folder, 'cloud', 'ledger.sqlite'), { timeout: 5_000 });
  database.prepare(`UPDATE reservations SET not_after = ? WHERE state = 'open'`).run(Date.now() + 65 * 3_600_000);
  database.close();
}

/** Every approved answer of this run, asked again: the same redemption. */
async function notRepeated(isOurs: (code: string) => boolean): Promise<string[]> {
  const doors = new Map([town.cart, ...town.stores].map((door) => [door.id, door]));
  const asked = town.history
    .standing()
    .filter(({ code }) => isOurs(code))
    .map(async ({ door, code, basket, redemption }) => {
      const again = await doors.get(door)?.redeem(code, basket);
      return again?.redemption?.id === redemption.id ? [] : [`${door} ${basket}: ${again?.decision} ${again?.reason}`];
    });
  return (await Promise.all(asked)).flat();
}
