import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, type TestContext, test } from 'vitest';
import { z } from 'zod';
import { decisionSchema } from '../../protocol/redemption-api.ts';
import { type Carrier, scanned } from '../barcodes/carriers.ts';
import { Cable, hasSocat } from './cable.ts';
import { brief } from './calls.ts';
import { Store, Town } from './harness.ts';
import { freePorts, Process, TEARLINE, tearline, until } from './processes.ts';

/**
 * From the picture to the ledger: a coupon is drawn, read from the picture, sent over a serial line as its scanner would,
 * decided at the lane, redeemed by the register that follows the lane, and is then refused in the shop.
 */

const OFFERS = Array.from({ length: 7 }, (_, i) => `(8112)00998845900001913392400975536${i}`);
const PAPERS = Array.from({ length: 2 }, (_, i) => `(8110)0123456123456111101235912345678901234${i}`);
const NUMBERS = Array.from({ length: 5 }, (_, i) => `(255)131313131313012345678901${i}`);
const bare = (bracketed = ''): string => bracketed.replace(/[()]/g, '');

const folder = mkdtempSync(join(tmpdir(), 'tearline-barcodes-'));
let town: Town;
let gateway: Process;
let box: Store;
let cable: Cable;
let ours: readonly string[];
let decisions: z.infer<typeof decisionSchema>[] = [];
const stopFollowing = new AbortController();

beforeAll(async () => {
  if (!hasSocat) return;
  town = await Town.start();
  ours = await town.newCodes(4);
  await imported([...OFFERS, ...PAPERS, ...NUMBERS]);
  cable = new Cable(join(folder, 'scanner'));
  await cable.plugIn();
  box = await boxWithScanner();
});
afterAll(async () => {
  stopFollowing.abort();
  await gateway?.stop();
  await cable?.pull();
  await town?.end();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach((context: TestContext) => {
  if (!hasSocat) context.skip('socat is missing: apt-get install socat');
});

test.each<[Carrier, string, () => string | undefined]>([
  ['Code 128', 'one of ours', () => ours[0]],
  ['QR', 'one of ours', () => ours[1]],
  ['Data Matrix', 'one of ours', () => ours[2]],
  ['PDF417', 'one of ours', () => ours[3]],
  ['GS1-128', 'a digital coupon (8112)', () => OFFERS[0]],
  ['GS1 QR', 'a digital coupon (8112)', () => OFFERS[1]],
  ['GS1 Data Matrix', 'a digital coupon (8112)', () => OFFERS[2]],
  ['Code 128', 'the digits of (8112)', () => bare(OFFERS[3])],
  ['QR', 'the digits of (8112)', () => bare(OFFERS[4])],
  ['Data Matrix', 'the digits of (8112)', () => bare(OFFERS[5])],
  ['PDF417', 'the digits of (8112)', () => bare(OFFERS[6])],
  ['DataBar Expanded Stacked', 'a paper coupon (8110) with its serial', () => PAPERS[0]],
  ['DataBar Expanded', 'a paper coupon (8110) with its serial', () => PAPERS[1]],
  ['GS1-128', 'a coupon number (255) with its serial', () => NUMBERS[0]],
  ['DataBar Expanded Stacked', 'a coupon number (255) with its serial', () => NUMBERS[1]],
  ['GS1 Data Matrix', 'a coupon number (255) beside a date', () => `(17)991231${NUMBERS[2]}`],
  ['QR', 'a GS1 Digital Link', () => `https://id.gs1.org/255/${NUMBERS[3]?.slice('(255)'.length)}`],
])('%s with %s is redeemed once', async (carrier, _what, content) => {
  const decision = await scan(carrier, content() ?? '');
  expect(brief(decision)).toBe('approved');
  const redeemed = await box.redeem(decision.code, decision.basket);
  expect(redeemed).toMatchObject({ decision: 'approved', redemption: { basket: decision.basket } });
  await until('it is settled', async () => (await town.look(decision.code)).state === 'redeemed');
  expect(brief(await town.cart.redeem(decision.code, town.basket()))).toBe('refused: already_redeemed');
});

test('one coupon in another carrier is the same coupon', async () => {
  const [number = ''] = NUMBERS.slice(4);
  const first = await scan('GS1-128', number);
  await box.redeem(first.code, first.basket);
  await until('it is settled', async () => (await town.look(first.code)).state === 'redeemed');
  for (const carrier of ['GS1 QR', 'DataBar Expanded Stacked'] as const)
    expect(await scan(carrier, number)).toMatchObject({ reason: 'already_redeemed', code: first.code });
});

test.each<[Carrier, string, string]>([
  ['EAN-13', '9828508010106', 'not_single_use'],
  ['UPC-A', '514141100906', 'not_single_use'],
  ['DataBar Expanded Stacked', '(8110)106141416543213500110000310123196000', 'not_single_use'],
  ['EAN-13', '4006381333931', 'not_a_coupon'],
])('%s with %s is %s', async (carrier, content, reason) => {
  expect(brief(await scan(carrier, content))).toBe(`refused: ${reason}`);
});

/** Each in a sale of its own. @returns what the register is told of it */
async function scan(carrier: Carrier, content: string): Promise<z.infer<typeof decisionSchema>> {
  const next = await box.ask('/v1/lanes/1/next', { method: 'POST' });
  expect(next.status).toBe(200);
  decisions = [];
  cable.type(await scanned(carrier, content));
  return until('the decision', async () => decisions[0] ?? null);
}

async function imported(codes: readonly string[]): Promise<void> {
  const discount = { type: 'amount', amount: 300, currency: 'USD' };
  const dates = { timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-12-31' };
  await town.admin('/v1/campaigns', z.unknown(), { body: { id: 'industry', title: 'Industry', discount, ...dates } });
  const headers = { 'content-type': 'text/csv' };
  const answer = await town.askAdmin('/v1/campaigns/industry/stacks', { body: codes.join('\n'), headers });
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining(`"count":${codes.length}`)]);
}

/** A third store's gateway with a scanner at lane 1. */
async function boxWithScanner(): Promise<Store> {
  const place = { id: '0003', name: 'Third Street', timeZone: 'America/New_York', address: null };
  await town.admin('/v1/stores', z.unknown(), { body: place });
  const enrolment = z.object({ code: z.string() });
  const { code } = await town.admin('/v1/stores/0003/enrolments', enrolment, { method: 'POST' });
  const [data, settings, port] = [join(folder, 'box'), join(folder, 'gateway.toml'), await freePorts(1)];
  writeFileSync(settings, `[gateway]\nport = ${port}\n[[lane]]\nname = "1"\nscanner = { port = "${cable.path}" }\n`);
  const { cloud } = town.demo();
  await tearline(['gateway', 'enrol', '--cloud', cloud, '--code', code, '--data', data]);
  const token = async (scope: string) =>
    (await tearline(['gateway', 'token', 'create', '--scope', scope, '--name', scope, '--data', data])).stdout.trim();
  gateway = new Process(TEARLINE, ['gateway', 'serve', '--config', settings, '--data', data]);
  const tokens = { registerToken: await token('register'), boxToken: await token('box') };
  const url = `http://127.0.0.1:${port}`;
  const store = new Store({ url, store: '0003', dataDir: data, pid: 0, ...tokens }, town.history);
  await store.lineIs('up');
  await until('the scanner is there', async () => gateway.stdout.includes('the scanner is there'));
  await follow(url, tokens.registerToken);
  return store;
}

/** The register listens to its lane. */
async function follow(url: string, token: string): Promise<void> {
  const { body } = await fetch(`${url}/v1/lanes/1/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: stopFollowing.signal,
  });
  if (body === null) throw new Error('no events');
  void listen(body).catch(() => undefined);
}

async function listen(body: AsyncIterable<Uint8Array>): Promise<void> {
  let text = '';
  for await (const piece of body) {
    text += new TextDecoder().decode(piece);
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^event: decision\ndata: (.+)$/.exec(event)?.[1];
      if (data !== undefined) decisions.push(z.object({ decision: decisionSchema }).parse(JSON.parse(data)).decision);
    }
  }
}
