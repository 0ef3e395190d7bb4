import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { adminDoor } from '../../cloud/doors/admin-door.ts';
import { cartDoor } from '../../cloud/doors/cart-door.ts';
import { feedDoor } from '../../cloud/doors/feed-door.ts';
import { enrolmentDoor } from '../../cloud/doors/enrolment-door.ts';
import { createFailures } from '../../cloud/doors/failures.ts';
import { createApp, type DoorOperation } from '../../cloud/doors/http.ts';
import { machineDoor } from '../../cloud/doors/machine-door.ts';
import { createMetrics } from '../../cloud/doors/metrics.ts';
import { proxiesOf } from '../../cloud/doors/proxies.ts';
import { listen } from '../../cloud/doors/server.ts';
import { sqliteIdempotencyStore, sqliteTokenStore } from '../../cloud/doors/sqlite-door-stores.ts';
import { createToken, type Scope } from '../../cloud/doors/tokens.ts';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { createPostOffice } from '../../cloud/distribution/post/post-office.ts';
import { Postbox } from '../../cloud/distribution/post/postbox.ts';
import { sqlitePostStore } from '../../cloud/distribution/post/sqlite-post-store.ts';
import { createSecrets } from '../../cloud/distribution/secrets.ts';
import { smsDoor } from '../../cloud/doors/sms-door.ts';
import { unsubscribeDoor } from '../../cloud/doors/unsubscribe-door.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { sqliteEnrolmentStore } from '../../cloud/fleet/sqlite-enrolment-store.ts';
import type { Campaign, Ledger, NewGateway, Store } from '../../cloud/ledger/port.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import type { Log } from '../../cloud/log.ts';
import type { Books } from '../../cloud/reports/books.ts';
import { sqliteTraceStore } from '../../cloud/reports/sqlite-trace-store.ts';
import { readCode } from '../../protocol/code-reading.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { err, ok } from '../../protocol/result.ts';

/** The cloud's doors over real HTTP and real SQLite, with a ledger that a test writes itself. */

const PUBLIC_URL = 'http://coupons.example';
/** What the provider of text messages signs with. */
export const SMS_TOKEN = '12345';

export type LogLine = { readonly level: string; readonly fields: Record<string, unknown>; readonly sentence: string };

export async function openTestDoors(
  ledger: Ledger,
  clock: { now: number } = { now: 1_800_000_000_000 },
  books: Books = NO_BOOKS,
  proxies: readonly string[] = [],
) {
  const database = openDatabase(':memory:');
  const tokens = sqliteTokenStore(database);
  const enrolments = sqliteEnrolmentStore(database);
  const lines: LogLine[] = [];
  const log = recordingLog(lines);
  const now = () => clock.now;
  const failures = createFailures(now);
  const facts = {
    fleetKey: Buffer.alloc(32, 7).toString('base64url'),
    cloudKeys: [{ id: 'cloudkey', publicKey: Buffer.alloc(32, 8).toString('base64url') }],
    brokerUrl: 'mqtt://localhost:1883',
  };
  const distributed = sqliteDistributionStore(database);
  const attribution = { store: sqliteTraceStore(database), distribution: distributed, now };
  const keys = { fleetKey: Buffer.alloc(32, 7), sealKey: Buffer.alloc(32, 9) };
  const post = sqlitePostStore(database);
  const secrets = createSecrets(keys.sealKey, randomBytes);
  const channels = new Set(['sms' as const]);
  const postbox = new Postbox({ store: post, secrets, channels, now });
  const distribution = createDistribution({
    ...{ store: distributed, ledger, randomBytes, now, keys, post: postbox },
  });
  const postOffice = createPostOffice({
    node: 'test',
    ...{ store: post, secrets, distribution, postbox, channels, country: null, now, log, mail: null },
    sms: { perSecond: 1, sender: { send: async () => ({ is: 'accepted', providerId: null }) } },
    ...{ publicUrl: () => PUBLIC_URL, noteTrace: () => undefined, newId: () => randomBytes(16).toString('hex') },
  });
  const faceUrl = (link: string) => `${PUBLIC_URL}/c/${link}`;
  const doors = [
    ...cartDoor(ledger, sqliteIdempotencyStore(database), now),
    ...feedDoor(ledger),
    ...adminDoor({
      ledger,
      books,
      enrolments,
      distribution,
      postOffice,
      attribution,
      country: null,
      faceUrl,
      publicUrl: () => PUBLIC_URL,
      log,
      now,
    }),
    ...enrolmentDoor({ ledger, enrolments, facts, failures, log, now }),
    ...smsDoor({ postOffice, smsToken: SMS_TOKEN, publicUrl: () => PUBLIC_URL, failures }),
    ...unsubscribeDoor(postOffice),
  ];
  const metrics = createMetrics(ledger);
  const operations: DoorOperation[] = doors.map((endpoint) => endpoint.operation);
  const ready = () => ledger.ready();
  const machine = machineDoor({ version: '0.0.0', operations, ready, metrics, insecureLan: false });
  const plumbing = {
    ...{ tokens, failures, isProxy: proxiesOf(proxies), publicHost: 'coupons.example' },
    ...{ log, observe: metrics.observe },
  };
  const listening = await listen(createApp([...doors, ...machine], plumbing), '127.0.0.1', 0, null);
  const url = `http://127.0.0.1:${listening.port}`;
  const token = (scope: Scope, name = 'shop') => createToken(tokens, { scope, name }, clock.now);
  const tokenByScope = { cart: await token('cart'), admin: await token('admin'), desk: await token('desk') };

  return {
    url,
    port: listening.port,
    lines,
    tokens,
    postOffice,
    secrets,
    token,
    tokenByScope,
    operations,
    database,
    attribution,
    /** A store that the enrolment codes can be for. */
    addStoreRow: (id: string) =>
      database.raw.prepare("INSERT INTO stores (id, name, time_zone) VALUES (?, 'A store', 'UTC')").run(id),
    async call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
      const { scope, body, headers = {} } = options;
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(scope === undefined ? {} : { authorization: `Bearer ${tokenByScope[scope]}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: response.status, headers: response.headers, json: await response.json() };
    },
    async close() {
      await listening.close();
      database.close();
    },
  };
}

const NO_BOOKS: Books = {
  reconciliation: async () => [],
  liability: async (day) => ({ day, campaigns: [], totals: [] }),
  feedLags: async () => [],
};

type CallOptions = {
  readonly scope?: Scope;
  /** A text is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
};
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Reply = { readonly status: number; readonly headers: Headers; readonly json: any };
export type TestDoors = Awaited<ReturnType<typeof openTestDoors>>;

/** What fetch does not let a client do: another Host, a body without its end. */
export function rawRequest(
  port: number,
  options: { method?: string; path: string; headers: Record<string, string>; body?: string },
): Promise<{ status: number; type: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method: 'GET', ...options }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] }));
    });
    request.on('error', reject);
    request.end(options.body);
  });
}

export function recordingLog(lines: LogLine[]): Log {
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, sentence: string) => {
    lines.push({ level, fields, sentence });
  };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** A ledger of a few maps: enough for doors. What a test is about it brings itself. */
export function fakeLedger(own: Partial<Ledger> = {}): Ledger & FakeState {
  const campaignsById = new Map<string, Campaign>();
  const storesById = new Map<string, Store>();
  const gatewaysById = new Map<string, NewGateway>();
  const asked: [string, unknown][] = [];
  const noted =
    <A, T>(name: string, answer: (request: A) => T) =>
    async (request: A): Promise<T> => {
      asked.push([name, request]);
      return answer(request);
    };
  const unexpected = (name: string) => () => {
    throw new Error(`nobody expected ${name}`);
  };
  return {
    asked,
    campaignsById,
    storesById,
    gatewaysById,
    validate: noted('validate', (sale) => ok(sale.codes.map((code) => approved(code, sale.basket)))),
    redeem: noted('redeem', (sale) => ok(sale.codes.map((code) => approved(code, sale.basket)))),
    reverse: noted('reverse', () => ({ reversed: true, redemption: null }) as const),
    release: noted('release', () => undefined),
    place: noted('place', () => 'stocked' as const),
    basket: async (client, basket) => {
      asked.push(['basket', { client, basket }]);
      return { basket, codes: [] };
    },
    feed: async (client, items) => {
      asked.push(['feed', { client, items }]);
      return items.map(() => ({ outcome: 'taken', reason: null, redemption: 'redemption-1', again: false }));
    },
    history: noted('history', () => null),
    standing: noted('standing', () => null),
    createCampaign: async (campaign) => {
      if (campaignsById.has(campaign.id)) return err('exists');
      const created = { ...campaign, changedAt: Date.parse('2026-11-23T10:00:00Z'), issuedUnits: 0, issuedValue: 0 };
      campaignsById.set(campaign.id, created);
      return ok(created);
    },
    changeCampaign: async (id, change) => {
      const now = campaignsById.get(id);
      if (now === undefined) return err('unknown_campaign');
      const changed = change(now);
      campaignsById.set(id, changed);
      return ok(changed);
    },
    campaigns: async () => [...campaignsById.values()],
    campaign: async (id) => campaignsById.get(id) ?? null,
    exposure: async () => null,
    campaignVersions: async (id) => {
      const campaign = campaignsById.get(id);
      return campaign === undefined ? null : [campaign];
    },
    personalise: noted('personalise', () => err({ why: 'unknown_code' } as const)),
    oldTerms: async () => [],
    watchCampaign: () => () => undefined,
    watchCode: () => () => undefined,
    createStore: async (store) => {
      if (storesById.has(store.id)) return err('exists');
      storesById.set(store.id, store);
      return ok(store);
    },
    stores: async () => [...storesById.values()],
    issueStack: async (campaign, count) =>
      campaignsById.has(campaign) ? ok({ id: 'stack-0001', count }) : err({ why: 'unknown_campaign' }),
    importStack: async (campaign, csv) => {
      let bytes = 0;
      for await (const piece of csv) bytes += piece.length;
      asked.push(['importStack', { campaign, bytes }]);
      return campaignsById.has(campaign) ? ok({ id: 'stack-0002', count: 3 }) : err({ why: 'unknown_campaign' });
    },
    stackCodes: async () => null,
    voidCode: noted('voidCode', () => 'unknown_code' as const),
    voidHash: unexpected('voidHash'),
    stock: async (store, codes) =>
      storesById.has(store) ? ok({ granted: codes.length, refused: [] }) : err('unknown_store'),
    addGateway: async (gateway) => {
      gatewaysById.set(gateway.id, gateway);
      return { epoch: 1, incarnation: `1-${'0'.repeat(32)}` };
    },
    gateways: async () => [],
    gatewayKey: () => null,
    brokerLogin: (id) => gatewaysById.get(id) ?? null,
    revoke: async () => 'unknown_gateway',
    exceptions: async () => [],
    incarnation: `1-${'0'.repeat(32)}`,
    outbox: async () => [],
    published: unexpected('published'),
    receive: unexpected('receive'),
    gatewayGone: async () => undefined,
    ready: async () => true,
    tick: async () => undefined,
    close: async () => undefined,
    ...own,
  };
}

type FakeState = {
  /** What the doors asked, in their order. */
  readonly asked: [string, unknown][];
  readonly campaignsById: Map<string, Campaign>;
  readonly storesById: Map<string, Store>;
  readonly gatewaysById: Map<string, NewGateway>;
};

function approved(code: string, basket: string): Decision {
  const reading = readCode(code, []);
  return {
    decision: 'approved',
    mode: 'online',
    reason: null,
    text: 'OK $5.00 OFF',
    code: reading.kind === 'code' ? reading.code : code,
    basket,
    offer: null,
    reservation: null,
    redemption: null,
    facts: {},
    backlog: 0,
  };
}
