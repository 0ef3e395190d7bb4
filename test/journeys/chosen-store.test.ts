import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../cloud/config.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { createEnrolment } from '../../cloud/fleet/enrolment.ts';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { createLedger } from '../../cloud/ledger/ledger.ts';
import type { Ledger, Placed } from '../../cloud/ledger/port.ts';
import { openData, serve } from '../../cloud/main.ts';
import { type CodeHash, hashCode } from '../../protocol/code.ts';
import { readCode } from '../../protocol/code-reading.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { recordingLog } from '../contract/cloud-doors.ts';
import { brief, request } from './calls.ts';
import { freePorts, Process, TEARLINE, tearline, until } from './processes.ts';

/** Somebody who says in which store a coupon will be used: a cloud in this process, and a real box of that store. */

const folder = mkdtempSync(join(tmpdir(), 'tearline-chosen-'));
const cloudData = join(folder, 'cloud');
const boxData = join(folder, 'box');
const STORE = '0001';
const TOTAL = { amount: 4_200, currency: 'USD' };
const stopping = new AbortController();
let cloudEnded: Promise<unknown>;
let ledger: Ledger;
let gateway: Process;
let gatewayUrl: string;
let token: string;
const coupons: { code: string; hash: CodeHash; assignment: string }[] = [];

beforeAll(async () => {
  const enrolment = await prepare();
  const port = await freePorts(3);
  const read = readConfig({
    file: null,
    data: cloudData,
    env: { TEARLINE_CLOUD_PORT: String(port), TEARLINE_BROKER_PORT: String(port + 1) },
  });
  if (!read.ok) throw new Error(read.error);
  const lines: Parameters<typeof recordingLog>[0] = [];
  cloudEnded = serve(read.value, recordingLog(lines), stopping.signal, {
    store: (it) => it,
    distribution: (it) => it,
    post: (it) => it,
    mailer: (it) => it,
    carrier: (it) => it,
    enrolments: (it) => it,
    ledger(it) {
      ledger = it;
      return it;
    },
  });
  await until('the cloud serves', async () => lines.some(({ sentence }) => sentence === 'the cloud serves'));
  const enrolled = await tearline([
    ...['gateway', 'enrol', '--cloud', `http://localhost:${port}`, '--code', enrolment, '--data', boxData],
  ]);
  expect(enrolled.status, enrolled.stderr).toBe(0);
  const made = ['gateway', 'token', 'create', '--scope', 'box', '--name', 'till', '--data', boxData];
  token = (await tearline(made)).stdout.trim();
  gatewayUrl = `http://127.0.0.1:${port + 2}`;
  gateway = new Process(TEARLINE, ['gateway', 'serve', '--data', boxData], {
    TEARLINE_GATEWAY_PORT: String(port + 2),
  });
  await lineIs('up');
});
afterAll(async () => {
  await gateway?.stop();
  stopping.abort();
  await cloudEnded;
  rmSync(folder, { recursive: true, force: true });
});

/** A store, a campaign for all stores, and two people with a coupon each. @returns an enrolment code */
async function prepare(): Promise<string> {
  const data = openData(cloudData);
  if (!data.ok) throw new Error(data.error.line);
  const { database, store, keys, enrolments } = data.value;
  const empty = await createLedger({
    ...{ store, keys, now: Date.now, places: sqlitePlacesStore(database), stockMax: { units: 0, value: 0 } },
    ...{ randomBytes: (size: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(size))) },
    faceUrl: (link) => link,
    outgoing: { wake: () => undefined },
  });
  await empty.createStore({ id: STORE, name: 'Main Street', timeZone: 'UTC', address: null });
  const terms = newCampaignSchema.parse({
    ...{ title: '$5 off', discount: { type: 'amount', amount: 500, currency: 'USD' } },
    ...{ timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-01-01' },
  });
  await empty.createCampaign(campaignOf('spring', 1, terms));
  const stack = await empty.issueStack('spring', 2);
  if (!stack.ok) throw new Error(stack.error.why);
  const codes: string[] = [];
  for await (const chunk of (await empty.stackCodes(stack.value.id)) ?? []) codes.push(...chunk);
  await sqliteDistributionStore(database).transaction(async (tx) => {
    for (const [i, code] of codes.entries()) {
      const reading = readCode(code, []);
      if (reading.kind !== 'code') throw new Error('a code that is none');
      const hash = hashCode(keys.fleetKey, reading.code);
      const assignment = `a-${i}`;
      await tx.putAssignment({
        ...{ id: assignment, campaign: 'spring', customer: null, ordinal: 1, codeHash: hash, linkHash: hash },
        ...{
          sealedCode: Buffer.of(0),
          how: 'demand',
          channel: 'web',
          source: {},
          at: Date.now(),
          replacedBy: null,
          untold: false,
        },
      });
      coupons.push({ code, hash, assignment });
    }
  });
  const enrolment = await createEnrolment(enrolments, STORE, Date.now());
  await empty.close();
  database.close();
  if (enrolment === null) throw new Error('no enrolment');
  return enrolment.code;
}

const choose = (of: (typeof coupons)[number], store: string | null): Promise<Placed> =>
  ledger.place({ assignment: of.assignment, codeHash: of.hash, store });

async function holds(): Promise<number> {
  const { text } = await request(`${gatewayUrl}/metrics`);
  return Number(/^tearline_holding_coupons(?:\{.*\})? ([0-9]+)$/m.exec(text)?.[1]);
}
const holdsAre = (count: number) => until(`${count} are held`, async () => (await holds()) === count);

async function lineIs(line: 'up' | 'down'): Promise<void> {
  await until(`the line is ${line}`, async () => {
    if (gateway.hasEnded) throw new Error(gateway.stderr);
    return JSON.stringify((await request(`${gatewayUrl}/readyz`)).json).includes(`"line":"${line}"`);
  });
}

const drill = (line: 'cut' | 'open') => request(`${gatewayUrl}/v1/drill`, { token, body: { line, minutes: 5 } });

async function redeemAtTill(code: string, basket: string): Promise<string> {
  const answer = await request(`${gatewayUrl}/v1/redemptions`, { token, body: { code, basket, total: TOTAL } });
  return brief(answer.json as Decision);
}

const redeemOnline = async (code: string, basket: string) => {
  const sale = { client: 'shop', codes: [code], allOrNone: false, basket, lane: null, total: TOTAL };
  const answer = await ledger.redeem({ ...sale, customer: null, discount: null });
  return answer.ok ? answer.value.map(brief).join() : answer.error;
};

test('a chosen store has the coupon at once and redeems it without its line; let go of, it is back', async () => {
  const [used, other] = coupons;
  if (used === undefined || other === undefined) throw new Error('no coupons');
  expect([await choose(used, STORE), await choose(other, STORE)]).toEqual(['stocked', 'stocked']);
  await holdsAre(2);

  // Let go of: the store gives it back while its owner waits, and a cart need not ask anybody.
  expect(await choose(other, null)).toBe('let_go');
  expect(await holds()).toBe(1);
  expect(await redeemOnline(other.code, 'cart-1')).toBe('approved');
  expect(await choose(other, STORE)).toBe('not_usable');

  await drill('cut');
  await lineIs('down');
  await until('the cloud knows', async () => !(await ledger.gateways())[0]?.connected);
  expect(await choose(used, null)).toBe('held_elsewhere');
  expect(await redeemAtTill(used.code, 'b-1')).toBe('approved');
  expect(await redeemAtTill(other.code, 'b-2')).toBe('undetermined: cannot_verify');

  await drill('open');
  await lineIs('up');
  await until('it is settled', async () => (await ledger.history(used.code))?.state === 'redeemed');
  expect(await redeemOnline(used.code, 'cart-2')).toBe('refused: already_redeemed');
});
