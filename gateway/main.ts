import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { blankKeyOf } from '../protocol/blank-seal.ts';
import { isLoopback } from '../protocol/settings.ts';
import { drillFile } from './cloud-link/drill.ts';
import type { Dial } from './cloud-link/connection.ts';
import { Link } from './cloud-link/link.ts';
import { mqttDial } from './cloud-link/mqtt.ts';
import type { Config } from './config.ts';
import { loadAssets } from './doors/assets.ts';
import { makeGatekeeper } from './doors/gatekeeper.ts';
import { createApp } from './doors/http.ts';
import { makeKeyMemory } from './doors/idempotency.ts';
import { type LaneDoorPorts, laneDoor } from './doors/lane-door.ts';
import { laneEventsDoor } from './doors/lane-events-door.ts';
import { listen } from './doors/listen.ts';
import { machineDoor } from './doors/machine-door.ts';
import { makeMetrics } from './doors/metrics.ts';
import { registerDoor } from './doors/register-door.ts';
import { type PageDoor, sessionDoor } from './doors/session-door.ts';
import { sessionFile } from './doors/sessions.ts';
import { type StatusSource, statusDoor } from './doors/status-door.ts';
import { supervisorFolder } from './doors/supervisors.ts';
import { tokenFolder } from './doors/tokens.ts';
import { afterIfRunning as after } from './lanes/after.ts';
import { type Lanes, startLanes } from './lanes/lanes.ts';
import { type Registers, startRegisters } from './lanes/register/registers.ts';
import { laneMemoryFiles } from './lanes/lane-memory-file.ts';
import { practiceTill } from './lanes/practice-till.ts';
import { saleNumbersFile } from './lanes/sale-numbers-file.ts';
import { leaveLastSales, openSales, type Sales } from './lanes/sales.ts';
import { openSerial } from './lanes/serial-port.ts';
import { type Log, makeLog } from './log.ts';
import { EXIT, Stop } from './stop.ts';
import { blanksHeld } from './till/blanks-held.ts';
import { type Till, type TillStatus, TillUnavailable } from './till/port.ts';
import { SqliteTillStore } from './till/sqlite-store.ts';
import { disagreementOf } from './till/start-rules.ts';
import { hasUnsettled, TillDataBroken, type TillStore } from './till/store.ts';
import { createTill } from './till/till.ts';
import type { Witness } from './till/witness.ts';
import { makeWitnessFile, WitnessFile } from './till/witness-file.ts';
import { type Finding, verifyJournal } from './upkeep/audit.ts';
import { type Check, examine } from './upkeep/doctor.ts';
import { type EnrolRequest, enrol, type TillState } from './upkeep/enrol.ts';
import { cloudKeyFinder, type Identity, type Keys, readIdentity, readKeys } from './upkeep/identity.ts';
import { lockData } from './upkeep/sqlite-lock.ts';

/** What stands between the till and the world. Whoever starts a gateway may put something of its own around each. */
export type Parts = {
  readonly store: TillStore;
  readonly witness: Witness;
  readonly dial: Dial;
  readonly till: Till;
};
export type Around = { readonly [P in keyof Parts]: (part: Parts[P]) => Parts[P] };
const AS_THEY_ARE: Around = { store: (it) => it, witness: (it) => it, dial: (it) => it, till: (it) => it };

/** Runs the gateway until it is told to stop. @throws Stop where it cannot start */
export async function serve(config: Config, version: string, around = AS_THEY_ARE): Promise<void> {
  const log = makeLog();
  stopAtDefects(log);
  const identity = enrolledIdentity(config.dataDirectory);
  const unlock = lockData(config.dataDirectory);
  const keys = readKeys(config.dataDirectory, identity);
  const store = around.store(openStore(config.dataDirectory));
  const link = new Link({
    address: identity,
    key: keys.signing,
    cloudKey: cloudKeyFinder(identity),
    dial: around.dial(mqttDial(brokerLogin(config, identity, keys))),
    drills: drillFile(config.dataDirectory),
    now: Date.now,
    elapsed: () => performance.now(),
    random: Math.random,
    newId,
    log,
  });
  const made = await createTill({
    store,
    witness: around.witness(new WitnessFile(config.witnessPath)),
    line: link,
    now: Date.now,
    monotonic: () => performance.now(),
    newId,
    defer: setImmediate,
    setTimer: (run, delayMs) => after(delayMs, run),
    identity: {
      gateway: identity.gateway,
      store: identity.store,
      fleetKey: keys.fleetKey,
      blankKey: blankKeyOf(keys.signing.key),
      keyId: identity.keyId,
      version,
    },
    settings: config,
  });
  const till = around.till(made);
  const doors = await openDoors({
    config,
    identity,
    till,
    link,
    forms: () => store.forms(),
    blanks: () => blanksHeld(store),
    log,
    version,
  });
  link.start(till);
  const ticking = tickEverySecond(till, log);
  log.info(
    { gateway: identity.gateway, store: identity.store.id, host: config.host, port: doors.port, version },
    'the gateway is open',
  );
  if (isPlain(config)) log.warn({ host: config.host }, 'without TLS on a network: tokens and codes can be read on it');
  const signal = await stopSignal();
  log.info({ signal }, 'the gateway closes');
  clearInterval(ticking);
  await doors.close();
  await link.stop();
  till.close();
  unlock();
}

/** @throws Stop where the code is refused, the cloud does not answer, or something there must not be lost */
export function enrolBox(config: Config, request: Pick<EnrolRequest, 'cloud' | 'code' | 'version'>): Promise<Identity> {
  const { dataDirectory, witnessPath } = config;
  return enrol({ ...request, dataDirectory, witnessPath }, { lock: lockData, tillState, beginTill, fetch });
}

export function examineBox(config: Config): Promise<Check[]> {
  const { dataDirectory } = config;
  return examine({
    config,
    identity: () => readIdentity(dataDirectory),
    database: () => withStore(dataDirectory, (store) => `${store.box().head.n} entries in the journal`),
    witness: () => withStore(dataDirectory, (store) => witnessAgrees(store, config.witnessPath)),
    drill: () => drillFile(dataDirectory).load(Date.now()),
    runningLine: () => runningLine(config),
    brokerLogin: (identity) => tryLogin(config, identity),
    fetch,
    now: Date.now,
  });
}

/** Recomputes the journal's chain. @throws Stop where there is none */
export function auditBox({ dataDirectory, witnessPath }: Config): Finding {
  return withStore(dataDirectory, (store) => verifyJournal(store, new WitnessFile(witnessPath).read()));
}

const tillFile = (dataDirectory: string): string => join(dataDirectory, 'till.db');
const newId = (): string => randomUUID();

/** A defect stops the process with its evidence: what goes on half-broken decides wrongly. */
function stopAtDefects(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'a defect: the gateway stops');
    process.exit(EXIT.software);
  });
}

function enrolledIdentity(dataDirectory: string): Identity {
  const identity = readIdentity(dataDirectory);
  if (identity !== null) return identity;
  throw new Stop(EXIT.config, `${dataDirectory} is not enrolled: run tearline gateway enrol --cloud URL --code CODE`);
}

/** @throws Stop 74 where the data are damaged */
function openStore(dataDirectory: string): SqliteTillStore {
  try {
    return new SqliteTillStore(tillFile(dataDirectory));
  } catch (error) {
    if (!(error instanceof TillDataBroken)) throw error;
    throw new Stop(EXIT.io, `${tillFile(dataDirectory)}: ${error.message}; restore a backup, or enrol this box again`, {
      cause: error,
    });
  }
}

/** @throws Stop 74 where there is no till, or it is damaged */
function withStore<T>(dataDirectory: string, use: (store: TillStore) => T): T {
  if (!existsSync(tillFile(dataDirectory))) throw new Stop(EXIT.io, `there is no ${tillFile(dataDirectory)}`);
  const store = openStore(dataDirectory);
  try {
    return use(store);
  } finally {
    store.close();
  }
}

function tillState(dataDirectory: string): TillState | null {
  if (!existsSync(tillFile(dataDirectory))) return null;
  return withStore(dataDirectory, (store) =>
    store.isMade()
      ? { fenced: store.box().fence !== null, begun: store.box().head.n > 0, unsettled: hasUnsettled(store) }
      : null,
  );
}

/** What an enrolment that was interrupted left has no entry yet: it is made anew. */
function beginTill(dataDirectory: string, witnessPath: string, { gateway, incarnation, epoch }: Identity): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${tillFile(dataDirectory)}${end}`, { force: true });
  const store = openStore(dataDirectory);
  store.make({ gateway, incarnation, epoch });
  makeWitnessFile(witnessPath, store.box().head);
  store.close();
}

function witnessAgrees(store: TillStore, witnessPath: string): string {
  const reading = new WitnessFile(witnessPath).read();
  const { head } = store.box();
  const disagreement = disagreementOf(head, reading, reading.kind === 'head' ? store.hashAt(reading.head) : null);
  if (disagreement === null) return `${witnessPath} agrees with the journal`;
  throw new Error(
    reading.kind === 'head' ? `${witnessPath} does not agree with the journal` : `${witnessPath} is ${reading.kind}`,
  );
}

function brokerLogin({ caFile }: Config, { gateway, brokerUrl }: Identity, { brokerPassword }: Keys) {
  return {
    url: brokerUrl,
    user: gateway,
    password: brokerPassword,
    ca: caFile === null ? null : readAuthority(caFile),
  };
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Stop(EXIT.config, `${path} cannot be read: check TEARLINE_TLS_CA_FILE`, { cause: error });
  }
}

const isPlain = ({ host, tls }: Config): boolean => !isLoopback(host) && tls === null;

type DoorParts = {
  readonly config: Config;
  readonly identity: Identity;
  readonly till: Till;
  readonly link: Link;
  readonly forms: LaneDoorPorts['forms'];
  readonly blanks: StatusSource['blanks'];
  readonly log: Log;
  readonly version: string;
};

/** The doors, and the lanes that scan into them. @throws Stop where the port cannot be had */
async function openDoors({ config, identity, till, link, forms, blanks, log, version }: DoorParts) {
  const now = Date.now;
  const status = () => till.status();
  const metrics = makeMetrics(status, () => link.status());
  const counted = metrics.counted(till);
  const tokens = tokenFolder(config.dataDirectory, now);
  const gatekeeper = makeGatekeeper(tokens, now);
  const supervisors = supervisorFolder(config.dataDirectory, now);
  const numbers = saleNumbersFile(config.dataDirectory);
  await leaveLastSales(till, numbers, log);
  const memory = laneMemoryFiles(config.dataDirectory, log);
  const practice = () => practiceTill(status, config.currency, now);
  const sales = openSales({ till: counted, practice, memory, numbers, now, after, log });
  const assets = loadAssets();
  const door: PageDoor = {
    gatekeeper,
    sessions: sessionFile(config.dataDirectory, tokens, now),
    gateway: identity.gateway,
    secure: config.tls !== null,
    asset: assets.path,
    look: config,
  };
  const register = [
    ...registerDoor({
      till: counted,
      link,
      keys: makeKeyMemory(now),
      sold({ lane, basket, codes }, decisions) {
        if (lane === null) return;
        sales
          .sold(lane, basket, codes, decisions)
          .catch((error) => log.error({ lane, err: error }, 'a lane was not told of a sale'));
      },
    }),
    ...laneEventsDoor(sales),
  ];
  const machine = machineDoor({ status, metrics, version, operations: register.map(({ operation }) => operation) });
  const lanes = startLanes(config.lanes, sales, log, { openSerial, now, elapsed: () => performance.now(), after });
  const registers = startRegisters(config.lanes, log, {
    till: counted,
    currency: config.currency,
    openSerial,
    now,
    elapsed: () => performance.now(),
    after,
  });
  const source = {
    till: status,
    blanks,
    lanes: () => laneFacts(config, sales, lanes, registers),
    disk: () => diskOf(config.dataDirectory),
    startedAt: now(),
  };
  const pages = [
    assets.routes,
    sessionDoor(door),
    laneDoor({
      door,
      sales,
      supervisors,
      status,
      link,
      forms,
      currency: config.currency,
      isPlain: isPlain(config),
      now,
    }),
    statusDoor({ door, source, link, isPlain: isPlain(config), now }),
  ];
  try {
    const app = createApp([...register, ...machine], pages, { gatekeeper, host: config.host, log });
    const listening = await listen(app, config);
    return { port: listening.port, close: () => Promise.all([listening.close(), lanes.stop(), registers.stop()]) };
  } catch (error) {
    await Promise.all([lanes.stop(), registers.stop()]);
    throw error;
  }
}

/** The lanes of the settings, then those that were opened as a page alone. */
function laneFacts(config: Config, sales: Sales, lanes: Lanes, registers: Registers) {
  const lastScans = new Map(sales.lanes().map(({ name, lastScanAt }) => [name, lastScanAt]));
  const names = new Set([...config.lanes.map(({ name }) => name), ...lastScans.keys()]);
  return [...names].map((name) => ({
    name,
    scanner: lanes.scanners().get(name) ?? null,
    register: registers.statuses().get(name),
    lastScanAt: lastScans.get(name) ?? null,
  }));
}

function diskOf(path: string) {
  const { bavail, blocks, bsize } = statfsSync(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

function tickEverySecond(till: Till, log: Log): NodeJS.Timeout {
  let isBusy = false;
  let state: TillStatus['state'] = 'validated';
  const tick = async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      await till.tick();
      const before = state;
      state = till.state();
      if (state !== before) log.warn({ state, before }, 'what this box may do has changed');
    } catch (error) {
      if (!(error instanceof TillUnavailable)) throw error;
      log.error({ err: error }, 'the till cannot read or write');
    } finally {
      isBusy = false;
    }
  };
  return setInterval(tick, 1_000);
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal));
  });
}

/** Asks the gateway that has the lock. Null: none runs. */
async function runningLine(config: Config): Promise<'up' | 'down' | 'unknown' | null> {
  try {
    lockData(config.dataDirectory)();
    return null;
  } catch (error) {
    if (!(error instanceof Stop) || error.status !== EXIT.unavailable) throw error;
  }
  const host = ['0.0.0.0', '::'].includes(config.host)
    ? 'localhost'
    : config.host.includes(':')
      ? `[${config.host}]`
      : config.host;
  try {
    const response = await fetch(`${config.tls === null ? 'http' : 'https'}://${host}:${config.port}/readyz`);
    const { line } = JSON.parse(await response.text());
    return line === 'up' ? 'up' : 'down';
  } catch {
    return 'unknown';
  }
}

function tryLogin(config: Config, identity: Identity): Promise<void> {
  const dial = mqttDial(brokerLogin(config, identity, readKeys(config.dataDirectory, identity)));
  return new Promise((done, fail) => {
    const connection = dial(
      { subscribe: `tearline/v1/${identity.shard}/${identity.gateway}/down`, will: null },
      {
        opened: () => {
          done();
          void connection.close();
        },
        closed: (why) => fail(new Error(why)),
        received: async () => undefined,
      },
    );
  });
}
