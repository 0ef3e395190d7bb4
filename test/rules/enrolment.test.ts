import { hash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { createEnrolment, enrol, type FleetFacts, shardOf } from '../../cloud/fleet/enrolment.ts';
import type { EnrolmentStore } from '../../cloud/fleet/enrolment-store.ts';
import { sqliteEnrolmentStore } from '../../cloud/fleet/sqlite-enrolment-store.ts';
import type { GatewayView, Ledger } from '../../cloud/ledger/port.ts';
import { LedgerUnavailable } from '../../cloud/ledger/port.ts';
import { type Database, openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { enrolmentResponseSchema } from '../../protocol/enrolment.ts';
import { ENROLMENT_CODE_MS, SHARDS } from '../../protocol/limits.ts';
import { fakeLedger } from '../contract/cloud-doors.ts';

const start = 1_800_000_000_000;
const keyA = 'A'.repeat(43);
const keyB = 'B'.repeat(43);
const facts: FleetFacts = {
  fleetKey: Buffer.alloc(32).toString('base64url'),
  cloudKeys: [{ id: 'cloudkey', publicKey: keyB }],
  brokerUrl: 'mqtt://localhost:1883',
};

let database: Database;
let enrolments: EnrolmentStore;
let ledger: ReturnType<typeof fakeLedger>;
beforeEach(async () => {
  database = openDatabase(':memory:');
  database.raw.prepare("INSERT INTO stores (id, name, time_zone) VALUES ('0042', 'Main Street', 'UTC')").run();
  enrolments = sqliteEnrolmentStore(database);
  ledger = withStore();
});

function withStore(own: Partial<Ledger> = {}) {
  const made = fakeLedger(own);
  made.storesById.set('0042', { id: '0042', name: 'Main Street', timeZone: 'UTC', address: null });
  return made;
}

async function newCode(): Promise<string> {
  const enrolment = await createEnrolment(enrolments, '0042', start);
  if (enrolment === null) throw new Error('no such store');
  return enrolment.code;
}

const ask = (code: string, { publicKey = keyA, now = start }: { publicKey?: string; now?: number } = {}) =>
  enrol({ code, publicKey, keyId: 'boxkey01', version: '0.1.0' }, { ledger, enrolments, facts, now });

async function enrolled(...asked: Parameters<typeof ask>) {
  const result = await ask(...asked);
  if (!result.ok) throw new Error('refused');
  return result.value;
}

describe('an enrolment code', () => {
  test('is 16 characters of Crockford in groups, and only its hash is kept', async () => {
    const code = await newCode();
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    const kept = JSON.stringify(database.raw.prepare('SELECT * FROM enrolment_codes').all());
    expect(kept).toContain(hash('sha256', code.replaceAll('-', '')));
    expect(kept).not.toContain(code);
    expect(kept).not.toContain(code.replaceAll('-', ''));
  });

  test('is not made for a store that is not there', async () => {
    expect(await createEnrolment(enrolments, '0099', start)).toBeNull();
  });

  test('makes a gateway of its store, which can log in with the password of the answer', async () => {
    const answer = await enrolled(await newCode());
    expect(enrolmentResponseSchema.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({ store: { id: '0042' }, epoch: 1, fleetKey: facts.fleetKey });
    expect(answer.shard).toBe(shardOf(answer.gateway));
    expect(ledger.gatewaysById.get(answer.gateway)).toEqual({
      id: answer.gateway,
      store: '0042',
      shard: answer.shard,
      publicKey: keyA,
      keyId: 'boxkey01',
      passwordHash: hash('sha256', answer.broker.password),
    });
  });

  test('is read as it was typed: lower case, without hyphens, with O for 0 and l for 1', async () => {
    const code = await newCode();
    const typed = code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    expect((await ask(typed)).ok).toBe(true);
  });

  test('works once: another key is refused, and no second gateway is made', async () => {
    const code = await newCode();
    await enrolled(code);
    expect((await ask(code, { publicKey: keyB })).ok).toBe(false);
    expect(ledger.gatewaysById.size).toBe(1);
  });

  test('asked for again with the same key gives the same gateway and a new password', async () => {
    const code = await newCode();
    const first = await enrolled(code);
    const second = await enrolled(code);
    expect(second.gateway).toBe(first.gateway);
    expect(second.broker.password).not.toBe(first.broker.password);
    expect(ledger.gatewaysById.get(first.gateway)?.passwordHash).toBe(hash('sha256', second.broker.password));
  });

  test('lasts two hours, for the repetition too', async () => {
    const code = await newCode();
    const late = { now: start + ENROLMENT_CODE_MS };
    expect((await ask(code, late)).ok).toBe(false);
    expect((await ask(code, { now: start + ENROLMENT_CODE_MS - 1 })).ok).toBe(true);
    expect((await ask(code, late)).ok).toBe(false);
  });

  test.each(['', '0000', '0000-0000-0000-0000', 'UUUU-UUUU-UUUU-UUUU', 'x'.repeat(64)])(
    '%j is refused',
    async (code) => {
      await newCode();
      expect((await ask(code)).ok).toBe(false);
      expect(ledger.gatewaysById.size).toBe(0);
    },
  );

  test('is not lost where the ledger fails after it was used: the same box goes on as the same gateway', async () => {
    const code = await newCode();
    const ids: string[] = [];
    ledger = withStore({
      addGateway: async (gateway) => {
        ids.push(gateway.id);
        throw new LedgerUnavailable('disk full');
      },
    });
    await expect(ask(code)).rejects.toThrow(LedgerUnavailable);
    ledger = withStore();
    expect((await enrolled(code)).gateway).toBe(ids[0]);
  });

  test('gives nothing again to a box that was revoked since', async () => {
    const code = await newCode();
    const { gateway } = await enrolled(code);
    const revoked: GatewayView = {
      ...{ id: gateway, store: '0042', state: 'revoked', connected: false, lastHeard: null, version: null, epoch: 2 },
      ...{
        backlog: 0,
        holds: { units: 0, value: 0 },
        blanks: { units: 0, value: 0 },
        inDoubt: { units: 0, value: 0 },
        drillUntil: null,
      },
    };
    ledger = withStore({ gateways: async () => [revoked] });
    expect((await ask(code)).ok).toBe(false);
  });

  test('used by two boxes at once makes one gateway', async () => {
    const code = await newCode();
    const answers = await Promise.all([ask(code, { publicKey: keyA }), ask(code, { publicKey: keyB })]);
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(ledger.gatewaysById.size).toBe(1);
  });
});

test('gateways are spread over all shards', () => {
  const shards = Array.from({ length: 2000 }, (_, n) => shardOf(`gw-${n.toString(16).padStart(16, '0')}`));
  expect(new Set(shards).size).toBe(SHARDS);
  expect(Math.min(...shards)).toBeGreaterThanOrEqual(0);
});
