import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { smtpMailer } from '../../cloud/distribution/post/smtp-mailer.ts';
import { sqlitePostStore } from '../../cloud/distribution/post/sqlite-post-store.ts';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { createLedger } from '../../cloud/ledger/ledger.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import { connectFleet } from '../../cloud/fleet/mqtt.ts';
import { sqliteEnrolmentStore } from '../../cloud/fleet/sqlite-enrolment-store.ts';
import { openKeys } from '../../cloud/keys.ts';
import { mqttDial } from '../../gateway/cloud-link/mqtt.ts';
import { SqliteTillStore } from '../../gateway/till/sqlite-store.ts';
import { createTill } from '../../gateway/till/till.ts';
import { makeWitnessFile, WitnessFile } from '../../gateway/till/witness-file.ts';
import { blankKeyOf } from '../../protocol/blank-seal.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import { downSchemas, upSchemas } from '../../protocol/messages.ts';
import { POINTS, PORTS } from '../crash/points.ts';

/** The methods of what really runs are asked of it: one that is new and has no place in the list fails here. */
const folder = mkdtempSync(join(tmpdir(), 'tearline-points-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Own ones, and those of its class. */
function methodsOf(part: object): string[] {
  const own = Object.keys(part);
  const prototype = Object.getPrototypeOf(part);
  const inherited = prototype === Object.prototype ? [] : Object.getOwnPropertyNames(prototype);
  return [...own, ...inherited].filter((name) => name !== 'constructor').sort();
}

const listed = (port: keyof typeof PORTS): string[] => Object.keys(PORTS[port]).sort();

function openTillStore(): SqliteTillStore {
  const store = new SqliteTillStore(join(folder, 'till.db'));
  if (!store.isMade()) store.make({ gateway: 'gw-0000000000000001', incarnation: `1-${'0'.repeat(32)}`, epoch: 1 });
  return store;
}

function openCloud() {
  const keys = openKeys(folder, false);
  if (!keys.ok) throw new Error(keys.error);
  const database = openDatabase(':memory:', false);
  const store = sqliteLedgerStore(database);
  const outgoing = { wake: () => undefined };
  const ledger = () =>
    createLedger({
      ...{ store, places: sqlitePlacesStore(database), keys: keys.value, now: Date.now, randomBytes, outgoing },
      stockMax: { units: 1, value: 1_000 },
      faceUrl: (link) => link,
    });
  return { database, store, ledger, keys: keys.value };
}

describe('every method that makes something durable or visible has a crash point, or says why not', () => {
  test('of the gateway’s store and witness', () => {
    const store = openTillStore();
    expect(listed('gateway store')).toEqual(methodsOf(store));
    store.close();
    expect(listed('gateway witness')).toEqual(methodsOf(new WitnessFile(folder)));
  });

  test('of its connection', async () => {
    const dial = mqttDial({ url: 'mqtt://127.0.0.1:1', user: 'x', password: 'x', ca: null });
    const events = { opened: () => undefined, closed: () => undefined, received: async () => undefined };
    const connection = dial({ subscribe: 'x', will: null }, events);
    expect(listed('gateway connection')).toEqual(methodsOf(connection));
    await connection.close();
  });

  test('of its till', async () => {
    const store = openTillStore();
    const witness = join(folder, 'witness');
    makeWitnessFile(witness, store.box().head);
    const till = await createTill({
      store,
      witness: new WitnessFile(witness),
      line: { send: () => false, journalGrew: () => undefined, settled: () => undefined, welcomed: () => undefined },
      now: Date.now,
      monotonic: () => performance.now(),
      newId: () => randomBytes(12).toString('base64url'),
      defer: setImmediate,
      setTimer: () => () => undefined,
      identity: {
        gateway: 'gw-0000000000000001',
        store: { id: '0001', name: 'Main Street', timeZone: 'UTC' },
        fleetKey: randomBytes(32),
        blankKey: blankKeyOf(readPrivateKey(makeKeyPair().privatePem)),
        keyId: 'a-key-of-it',
        version: '0',
      },
      settings: { reserveDeadlineMs: 1, strict: false },
    });
    expect(listed('gateway till')).toEqual(methodsOf(till));
    till.close();
    store.close();
  });

  test('of the cloud’s store, its transactions, its ledger and its enrolments', async () => {
    const { database, store, ledger } = openCloud();
    expect(listed('cloud store')).toEqual(methodsOf(store));
    expect(listed('cloud transaction')).toEqual(await store.transaction(async (tx) => methodsOf(tx)));
    expect(listed('cloud ledger')).toEqual(methodsOf(await ledger()));
    expect(listed('cloud post')).toEqual(methodsOf(sqlitePostStore(database)));
    expect(listed('cloud mailer')).toEqual(methodsOf(smtpMailer({ url: 'smtp://127.0.0.1:1', from: 'a@example.com' })));
    expect(listed('cloud enrolments')).toEqual(methodsOf(sqliteEnrolmentStore(database)));
    await store.close();
  });

  test('of its carrier', async () => {
    const { ledger, keys } = openCloud();
    const methods: string[] = [];
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const link = await connectFleet({
      ...{ url: 'mqtt://127.0.0.1:1', username: 'x', password: 'x', ledger: await ledger(), log },
      signingKey: keys.signingKey,
      around: (carrier) => {
        methods.push(...methodsOf(carrier));
        return carrier;
      },
    });
    expect(listed('cloud carrier')).toEqual(methods);
    await link.close();
  });
});

test('every type of message has a point where it leaves and one where it arrives', () => {
  for (const type of Object.keys(upSchemas))
    for (const at of [`gateway connection publish ${type}`, `cloud ledger receive ${type}`])
      expect(POINTS).toEqual(expect.arrayContaining([`${at}: before`, `${at}: after`]));
  for (const type of Object.keys(downSchemas))
    for (const at of [`cloud carrier publish ${type}`, `gateway till receive ${type}`])
      expect(POINTS).toEqual(expect.arrayContaining([`${at}: before`, `${at}: after`]));
});

test('commit, witness, publish and acknowledgement have points on both sides', () => {
  expect(POINTS).toEqual(
    expect.arrayContaining(
      [
        'gateway store commit',
        'gateway witness write',
        'gateway connection publish journal',
        'gateway till receive ack',
        'cloud store transaction',
        'cloud carrier publish ack',
        'cloud ledger receive journal',
      ].flatMap((name) => [`${name}: before`, `${name}: after`]),
    ),
  );
  expect(new Set(POINTS).size).toBe(POINTS.length);
});
