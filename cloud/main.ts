import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import about from '../package.json' with { type: 'json' };
import { err, ok, type Result } from '../protocol/result.ts';
import { type Broker, startBroker } from './broker/aedes-broker.ts';
import { CLOUD_USER } from './broker/gate.ts';
import type { Config, SmsSettings } from './config.ts';
import { createDistribution } from './distribution/distribution.ts';
import type { Distribution } from './distribution/port.ts';
import { httpSmsSender } from './distribution/post/http-sms.ts';
import { createPostOffice, type PostOffice } from './distribution/post/post-office.ts';
import { Postbox } from './distribution/post/postbox.ts';
import type { Mailer } from './distribution/post/providers.ts';
import { smtpMailer } from './distribution/post/smtp-mailer.ts';
import { sqlitePostStore } from './distribution/post/sqlite-post-store.ts';
import type { PostChannel, PostStore } from './distribution/post/store.ts';
import { createRowIds } from './distribution/row-ids.ts';
import { createSecrets } from './distribution/secrets.ts';
import type { NoteTrace } from './distribution/traces.ts';
import { sqliteDistributionStore } from './distribution/sqlite-distribution-store.ts';
import type { DistributionStore } from './distribution/store.ts';
import { adminDoor } from './doors/admin-door.ts';
import { cartDoor } from './doors/cart-door.ts';
import { customerPages } from './doors/customer-pages.ts';
import { deliveryPageDoor } from './doors/delivery-page-door.ts';
import { feedDoor } from './doors/feed-door.ts';
import { enrolmentDoor } from './doors/enrolment-door.ts';
import { createFailures } from './doors/failures.ts';
import { createApp } from './doors/http.ts';
import { proxiesOf } from './doors/proxies.ts';
import { IDEMPOTENCY_KEY_MS, type IdempotencyStore } from './doors/idempotency.ts';
import { issueDoor } from './doors/issue-door.ts';
import { machineDoor } from './doors/machine-door.ts';
import { createMetrics } from './doors/metrics.ts';
import { type Listening, listen } from './doors/server.ts';
import { sqliteIdempotencyStore, sqliteTokenStore } from './doors/sqlite-door-stores.ts';
import { smsDoor } from './doors/sms-door.ts';
import type { TokenStore } from './doors/tokens.ts';
import { unsubscribeDoor } from './doors/unsubscribe-door.ts';
import type { EnrolmentStore } from './fleet/enrolment-store.ts';
import type { Carrier } from './fleet/link.ts';
import { connectFleet, type FleetLink } from './fleet/mqtt.ts';
import { sqlitePlacesStore } from './fleet/sqlite-places-store.ts';
import { sqliteEnrolmentStore } from './fleet/sqlite-enrolment-store.ts';
import { type CloudKeys, openKeys } from './keys.ts';
import { createLedger } from './ledger/ledger.ts';
import { type Ledger, LedgerUnavailable } from './ledger/port.ts';
import { type Database, DatabaseUnusable, openDatabase } from './ledger/sqlite-database.ts';
import { sqliteLedgerStore } from './ledger/sqlite-store.ts';
import { cardOfCode } from './ledger/reports.ts';
import type { LedgerStore } from './ledger/store.ts';
import type { Log } from './log.ts';
import type { AttributionPorts } from './reports/attribution.ts';
import { type Books, createBooks } from './reports/books.ts';
import { sqliteBooksStore } from './reports/sqlite-books-store.ts';
import { sqliteTraceStore } from './reports/sqlite-trace-store.ts';
import { Traces } from './reports/traces.ts';
import { takeLock } from './sqlite-lock.ts';

/** Why a command could not be carried out: one line that says what to do, and the process's exit status. */
export type Failure = { readonly status: 64 | 69 | 70 | 74 | 78; readonly line: string };

/** What is open as long as a command runs. */
export type Data = {
  readonly keys: CloudKeys;
  readonly database: Database;
  readonly store: LedgerStore;
  readonly distribution: DistributionStore;
  readonly post: PostStore;
  readonly tokens: TokenStore;
  readonly enrolments: EnrolmentStore;
};

/** What stands between the ledger and the world. Whoever starts a node may put something of its own around each. */
export type Parts = {
  readonly store: LedgerStore;
  readonly distribution: DistributionStore;
  readonly post: PostStore;
  readonly mailer: Mailer;
  readonly ledger: Ledger;
  readonly carrier: Carrier;
  readonly enrolments: EnrolmentStore;
};
export type Around = { readonly [P in keyof Parts]: (part: Parts[P]) => Parts[P] };
const AS_THEY_ARE: Around = {
  store: (it) => it,
  distribution: (it) => it,
  post: (it) => it,
  mailer: (it) => it,
  ledger: (it) => it,
  carrier: (it) => it,
  enrolments: (it) => it,
};

/** One cloud node, from its lock to its last answer. Resolves when `stop` has aborted and all is closed. */
export async function serve(
  config: Config,
  log: Log,
  stop: AbortSignal,
  around = AS_THEY_ARE,
): Promise<Result<void, Failure>> {
  const locked = lockData(config.data);
  if (!locked.ok) return locked;
  const data = openData(config.data, { checked: true });
  if (!data.ok) {
    locked.value.release();
    return data;
  }
  const opened: Closing[] = [() => locked.value.release(), () => data.value.database.close()];
  try {
    const { store, distribution, post, enrolments } = data.value;
    const parts = {
      ...data.value,
      store: around.store(store),
      distribution: around.distribution(distribution),
      post: around.post(post),
      enrolments: around.enrolments(enrolments),
    };
    return await run(config, parts, around, log, stop, opened);
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

/** The data directory's keys and database, made at the first use. Other commands open it beside a running node. */
export function openData(directory: string, { checked } = { checked: false }): Result<Data, Failure> {
  const path = join(directory, 'ledger.sqlite');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const keys = openKeys(directory, existsSync(path));
    if (!keys.ok) return err({ status: 74, line: keys.error });
    const database = openDatabase(path, checked);
    return ok({
      keys: keys.value,
      database,
      store: sqliteLedgerStore(database),
      distribution: sqliteDistributionStore(database),
      post: sqlitePostStore(database),
      tokens: sqliteTokenStore(database),
      enrolments: sqliteEnrolmentStore(database),
    });
  } catch (error) {
    if (error instanceof DatabaseUnusable) return err({ status: 74, line: error.message });
    return err(unwritable(directory, error));
  }
}

type Closing = () => void | Promise<void>;

/** All that is plugged together. What is opened is noted in `opened`, to be closed in the opposite order. */
async function run(
  config: Config,
  { keys, database, store, distribution: distributed, post, tokens, enrolments }: Data,
  around: Around,
  log: Log,
  stop: AbortSignal,
  opened: Closing[],
): Promise<Result<void, Failure>> {
  const now = Date.now;
  const link: { current: FleetLink | null } = { current: null };
  const attribution = { store: sqliteTraceStore(database), distribution: distributed, now };
  const traces = new Traces({ ...attribution, ownerOf: (code) => distribution.ownerOf(code), log });
  const made = await createLedger({
    store,
    places: sqlitePlacesStore(database),
    keys,
    now,
    randomBytes,
    stockMax: config.stockMax,
    stockLikelihoodMin: config.stockLikelihoodMin,
    faceUrl: faceUrl(config),
    outgoing: { wake: (gateway) => link.current?.wake(gateway) },
    distribution: {
      personNamed: (number) => distribution.personNamed(number),
      issue: (request) => distribution.issue(request),
      coupon: (assignment) => distribution.coupon(assignment),
    },
    refused: traces.refused,
    takeScans: traces.takeScans,
  });
  opened.push(() => traces.flush());
  const ledger = around.ledger(made);
  opened.push(() => ledger.close());
  // Known when it listens: until then nobody needs it.
  const reached = { url: withoutSlash(publicUrl(config, config.port)) };
  const { postbox, officeWith } = postRooms(config, post, keys, around, () => reached.url, traces.note, log);
  const distribution = createDistribution({
    ...{ store: distributed, ledger, keys, randomBytes, now },
    post: postbox,
  });
  await distribution.open();
  const postOffice = officeWith(distribution);

  const cloudPassword = randomBytes(32).toString('base64url');
  const broker = await brokerOf(config, ledger, cloudPassword, log);
  if (!broker.ok) return broker;
  if (broker.value !== null) opened.push(broker.value.close);
  link.current = await connectFleet({
    ...wayToBroker(config, broker.value, cloudPassword),
    ledger,
    signingKey: keys.signingKey,
    around: around.carrier,
    log,
  });
  opened.push(() => link.current?.close());

  const idempotency = sqliteIdempotencyStore(database);
  const books = createBooks({ store: sqliteBooksStore(database), now });
  const listening = await openDoors(config, broker.value, {
    ...{ store, ledger, books, distribution, postOffice, attribution, tokens, enrolments, idempotency, keys, log, now },
    publicUrl: () => reached.url,
    note: traces.note,
  });
  if (!listening.ok) return listening;
  opened.push(listening.value.close);
  reached.url = withoutSlash(publicUrl(config, listening.value.port));
  await postOffice.open();
  opened.push(postOffice.close);
  log.info(
    { url: publicUrl(config, listening.value.port), brokerPort: broker.value?.port, pid: process.pid },
    'the cloud serves',
  );
  if (config.insecureLan)
    log.warn({}, 'TEARLINE_INSECURE_LAN is set: tokens and codes may cross the network unencrypted');
  return keepTime([ledger, distribution, traces], idempotency, now, log, stop);
}

type DoorParts = Pick<Data, 'store' | 'keys' | 'tokens' | 'enrolments'> & {
  readonly ledger: Ledger;
  readonly books: Books;
  readonly distribution: Distribution;
  readonly postOffice: PostOffice;
  readonly publicUrl: () => string;
  readonly attribution: AttributionPorts;
  readonly note: NoteTrace;
  readonly idempotency: IdempotencyStore;
  readonly log: Log;
  readonly now: () => number;
};

async function openDoors(config: Config, broker: Broker | null, parts: DoorParts): Promise<Result<Listening, Failure>> {
  const { store, ledger, distribution, postOffice, note, tokens, enrolments, idempotency, keys, log, now } = parts;
  const url = parts.publicUrl();
  const failures = createFailures(now);
  const shop = { retailer: config.retailer, contact: config.contact, url: config.shopUrl };
  const pages = customerPages({
    ...{ ledger, distribution, failures, url, log, now, shop },
    country: config.country,
    note,
  });
  const metrics = createMetrics(ledger);
  const facts = {
    fleetKey: keys.fleetKey.toString('base64url'),
    cloudKeys: [keys.publicKey],
    brokerUrl: brokerUrl(config, broker),
  };
  const doors = [
    ...cartDoor(ledger, idempotency, now),
    ...issueDoor({
      cardOf: (code) => cardOfCode(store, code),
      distribution,
      idempotency,
      faceUrl: faceUrl(config),
      now,
    }),
    ...feedDoor(ledger),
    ...adminDoor({ ...parts, country: config.country, faceUrl: faceUrl(config) }),
    ...enrolmentDoor({ ledger, enrolments, facts, failures, log, now }),
    ...smsDoor({ postOffice, smsToken: config.sms?.token ?? null, publicUrl: parts.publicUrl, failures }),
    ...unsubscribeDoor(postOffice),
    ...deliveryPageDoor({ postOffice, ledger, shop, asset: pages.asset, now }),
    ...pages.endpoints,
  ];
  const machine = machineDoor({
    version: about.version,
    operations: doors.map((endpoint) => endpoint.operation),
    ready: () => ledger.ready(),
    metrics,
    insecureLan: config.insecureLan,
  });
  const publicHost = new URL(url).hostname;
  const isProxy = proxiesOf(config.proxies);
  const app = createApp([...doors, ...machine], {
    ...{ tokens, failures, isProxy, publicHost, log },
    observe: metrics.observe,
  });
  const opened = await listening(() => listen(app, config.host, config.port, config.tls), config.host, config.port);
  if (!opened.ok) return opened;
  const { port, close } = opened.value;
  return ok({
    port,
    close() {
      pages.close();
      return close();
    },
  });
}

/** The postbox comes before distribution, which puts one-time codes into it, and the office after: it gives out coupons. */
function postRooms(
  config: Config,
  store: PostStore,
  keys: CloudKeys,
  around: Around,
  publicUrl: () => string,
  noteTrace: NoteTrace,
  log: Log,
) {
  const { mail, sms } = config;
  const now = Date.now;
  const secrets = createSecrets(keys.sealKey, randomBytes);
  const channels = new Set<PostChannel>();
  if (mail !== null) channels.add('email');
  if (sms !== null) channels.add('sms');
  const postbox = new Postbox({ store, secrets, channels, now });
  const sender = (settings: SmsSettings) => {
    const status = { statusUrl: () => `${publicUrl()}/sms/status` };
    return { sender: httpSmsSender({ ...settings, ...status }), perSecond: settings.perSecond };
  };
  const officeWith = (distribution: Distribution) =>
    createPostOffice({
      // The lock on its data makes sure that there is one of this name.
      node: `${hostname()} ${resolve(config.data)}`,
      ...{ store, secrets, distribution, postbox, channels, country: config.country, publicUrl, log, now },
      mail: mail === null ? null : { mailer: around.mailer(smtpMailer(mail)), perSecond: mail.perSecond },
      sms: sms === null ? null : sender(sms),
      noteTrace,
      newId: createRowIds(randomBytes, now),
    });
  return { postbox, officeWith };
}

async function brokerOf(
  { broker, host, tls }: Config,
  ledger: Ledger,
  cloudPassword: string,
  log: Log,
): Promise<Result<Broker | null, Failure>> {
  if (broker.kind === 'outside') return ok(null);
  const start = () =>
    startBroker({
      host,
      port: broker.port,
      tls,
      loginOf: (gateway) => ledger.brokerLogin(gateway),
      cloudPassword,
      connected: (gateway) => log.info({ gateway }, 'a gateway is connected'),
      gone: (gateway) => {
        log.info({ gateway }, 'a gateway is gone');
        ledger.gatewayGone(gateway).catch((error) => log.warn({ gateway, err: error }, 'the ledger was not told'));
      },
      log,
    });
  return listening(start, host, broker.port);
}

function wayToBroker({ broker }: Config, embedded: Broker | null, cloudPassword: string) {
  if (broker.kind === 'outside')
    return { url: broker.url, username: CLOUD_USER, password: broker.password, ca: broker.ca };
  if (embedded === null) throw new Error('neither an embedded broker nor an outside one');
  return { url: embedded.ownUrl, username: CLOUD_USER, password: cloudPassword, ca: null };
}

function brokerUrl(config: Config, embedded: Broker | null): string {
  if (config.brokerPublicUrl !== null) return config.brokerPublicUrl;
  if (config.broker.kind === 'outside') return config.broker.url;
  const { hostname } = new URL(publicUrl(config, config.port));
  return `${config.tls === null ? 'mqtt' : 'mqtts'}://${hostname}:${embedded?.port}`;
}

const publicUrl = (config: Config, port: number): string =>
  config.url ?? `${config.tls === null ? 'http' : 'https'}://localhost:${port}`;

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

/** The live face of a coupon, by its personal link. */
const faceUrl =
  (config: Config) =>
  (link: string): string =>
    new URL(`/c/${link}`, publicUrl(config, config.port)).href;

const TICK_MS = 1_000;

/** Ends what is due, once a second. A defect ends the node: what it would decide after it is not to be trusted. */
async function keepTime(
  timed: readonly { tick(): Promise<void> }[],
  idempotency: IdempotencyStore,
  now: () => number,
  log: Log,
  stop: AbortSignal,
): Promise<Result<void, Failure>> {
  while (!stop.aborted) {
    try {
      for (const one of timed) await one.tick();
      await idempotency.forgetBefore(now() - IDEMPOTENCY_KEY_MS);
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) {
        log.error({ err: error }, 'a defect in what is done each second: the node stops');
        return err({ status: 70, line: 'The cloud stopped over a defect: its log says which.' });
      }
      log.warn({ err: error }, 'the ledger is not available');
    }
    await sleep(TICK_MS, undefined, { signal: stop }).catch(() => undefined);
  }
  return ok(undefined);
}

function lockData(directory: string): Result<{ release(): void }, Failure> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = takeLock(join(directory, 'lock'));
    if (lock !== null) return ok(lock);
    return err({
      status: 78,
      line: `Another cloud node runs on ${directory}: stop it, or give this one a data directory of its own.`,
    });
  } catch (error) {
    return err(unwritable(directory, error));
  }
}

const unwritable = (directory: string, error: unknown): Failure => ({
  status: 74,
  line: `The data directory ${directory} cannot be written: ${error instanceof Error ? error.message : error}.`,
});

async function listening<T>(start: () => Promise<T>, host: string, port: number): Promise<Result<T, Failure>> {
  try {
    return ok(await start());
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const failure = whyNotListening(code, host, port);
    if (failure === null) throw error;
    return err(failure);
  }
}

function whyNotListening(code: string, host: string, port: number): Failure | null {
  if (code === 'EADDRINUSE')
    return { status: 69, line: `The port ${port} on ${host} is in use: stop what listens there, or set another.` };
  if (['EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND'].includes(code))
    return { status: 69, line: `The cloud cannot listen on ${host}, port ${port} (${code}): set another.` };
  if (code.startsWith('ERR_OSSL'))
    return { status: 78, line: `TEARLINE_TLS_CERT_FILE and TEARLINE_TLS_KEY_FILE cannot be used together (${code}).` };
  return null;
}
