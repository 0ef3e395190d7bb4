import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { GRANT_RESERVATIONS_MAX } from '../../protocol/limits.ts';
import { Children } from '../start/children.ts';
import { CloudApi } from '../start/cloud-api.ts';
import type { Bench } from './figure.ts';

const STORE = '0001';
const CAMPAIGN = 'spring';
/** More than any figure stocks. */
const STOCK_UNITS_MAX = '100000';
const LINE_WAIT_MS = 20_000;
const DAY_MS = 86_400_000;

/** A cloud and one store's gateway, each its own process, as `npm start` runs them. */
export type System = {
  readonly gatewayPort: number;
  /** Opens every door of the gateway. */
  readonly boxToken: string;
  readonly api: CloudApi;
  /** Issues so many codes. @returns them as printed */
  issue(count: number): Promise<string[]>;
  /** Reserves them in the store ahead, and waits until the gateway has them. */
  stock(codes: readonly string[]): Promise<void>;
  /** Codes that the cloud knows to be redeemed. */
  redeemed(): Promise<number>;
};

export async function startSystem({ directory, atEnd, say }: Bench): Promise<System> {
  say('starting the cloud and a gateway');
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  const children = new Children(logs);
  atEnd(() => children.stop());
  /** What is under way when the bench is stopped is waited for: it would write where all is being removed. */
  const carryOut = async <T>(work: () => Promise<T>): Promise<T> => {
    const done = Promise.withResolvers<void>();
    atEnd(() => done.promise);
    return work().finally(done.resolve);
  };
  const run = (args: readonly string[]) => carryOut(() => children.run(args));
  const start = (name: string, port: number, args: readonly string[], env: Readonly<Record<string, string>>) =>
    carryOut(() => children.start(name, port, args, env));
  const [cloudPort, brokerPort, gatewayPort] = await freePorts();
  const cloudDirectory = join(directory, 'cloud');
  const cloudUrl = `http://localhost:${cloudPort}`;
  await start('cloud', cloudPort, ['cloud', 'serve', '--data', cloudDirectory], {
    TEARLINE_CLOUD_PORT: String(cloudPort),
    TEARLINE_CLOUD_URL: cloudUrl,
    TEARLINE_BROKER_PORT: String(brokerPort),
    TEARLINE_STOCK_UNITS_MAX: STOCK_UNITS_MAX,
  });
  const admin = ['cloud', 'token', 'create', '--scope', 'admin', '--name', 'bench', '--data', cloudDirectory];
  const api = new CloudApi(cloudUrl, await run(admin));
  await api.post('/v1/campaigns', campaign(), z.unknown());
  await api.post('/v1/stores', { id: STORE, name: 'Main Street', timeZone: 'America/New_York' }, z.unknown());

  const box = join(directory, 'store');
  const { code } = await api.post(`/v1/stores/${STORE}/enrolments`, {}, z.object({ code: z.string() }));
  await run(['gateway', 'enrol', '--cloud', cloudUrl, '--code', code, '--data', box]);
  const boxToken = await run(['gateway', 'token', 'create', '--scope', 'box', '--name', 'bench', '--data', box]);
  await start('gateway', gatewayPort, ['gateway', 'serve', '--data', box], {
    TEARLINE_GATEWAY_PORT: String(gatewayPort),
  });
  await until('the line is up', async () => (await readiness(gatewayPort)).line === 'up');
  return {
    gatewayPort,
    boxToken,
    api,
    issue: (count) => issue(api, count),
    stock: (codes) => stock(api, gatewayPort, codes),
    redeemed: async () => (await exposure(api)).redeemed.units,
  };
}

/** @throws where it does not come about */
export async function until(what: string, isSo: () => Promise<boolean>, waitMs = LINE_WAIT_MS): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${waitMs / 1000} s: ${what}`);
    await sleep(20);
  }
}

async function issue(api: CloudApi, count: number): Promise<string[]> {
  const stack = await api.post(`/v1/campaigns/${CAMPAIGN}/stacks`, { count }, z.object({ id: z.string() }));
  const [, ...lines] = (await api.text(`/v1/stacks/${stack.id}/codes.csv`)).trim().split('\n');
  return lines;
}

async function stock(api: CloudApi, gatewayPort: number, codes: readonly string[]): Promise<void> {
  const answer = z.object({ granted: z.int() });
  const before = await holding(gatewayPort);
  for (let at = 0; at < codes.length; at += GRANT_RESERVATIONS_MAX) {
    const part = codes.slice(at, at + GRANT_RESERVATIONS_MAX);
    const { granted } = await api.post(`/v1/stores/${STORE}/stock`, { codes: part }, answer);
    if (granted !== part.length) throw new Error(`${granted} of ${part.length} codes were granted`);
  }
  await until('the stock is in the store', async () => (await holding(gatewayPort)) === before + codes.length);
}

async function exposure(api: CloudApi) {
  return api.get(`/v1/campaigns/${CAMPAIGN}/exposure`, z.object({ redeemed: z.object({ units: z.int() }) }));
}

async function readiness(port: number) {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  return z.object({ line: z.string() }).parse(await answer.json());
}

async function holding(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = /^tearline_holding_coupons (\d+)$/m.exec(text);
  if (line === null) throw new Error('the gateway does not say how many coupons it holds');
  return Number(line[1]);
}

function campaign() {
  return {
    id: CAMPAIGN,
    title: '$5 off',
    discount: { type: 'amount', amount: 500, currency: 'USD' },
    timeZone: 'America/New_York',
    startsAt: new Date(Date.now() - DAY_MS).toISOString(),
    endsAt: new Date(Date.now() + 30 * DAY_MS).toISOString(),
  };
}

/** Three that were free a moment ago. */
async function freePorts(): Promise<[number, number, number]> {
  return [await freePort(), await freePort(), await freePort()];
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
