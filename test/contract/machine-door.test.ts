import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeGatekeeper } from '../../gateway/doors/gatekeeper.ts';
import { createApp } from '../../gateway/doors/http.ts';
import { makeKeyMemory } from '../../gateway/doors/idempotency.ts';
import { type Listening, listen } from '../../gateway/doors/listen.ts';
import { machineDoor } from '../../gateway/doors/machine-door.ts';
import { type DoorTill, makeMetrics } from '../../gateway/doors/metrics.ts';
import { registerDoor } from '../../gateway/doors/register-door.ts';
import type { TillStatus } from '../../gateway/till/port.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { ok } from '../../protocol/result.ts';

const refused: Decision = {
  ...{ decision: 'refused', mode: null, reason: 'already_redeemed', text: '', code: '8WNS', basket: 'b' },
  ...{ offer: null, reservation: null, redemption: null, facts: {}, backlog: 3 },
};
const good: TillStatus = {
  ...{
    gateway: 'gw-0123456789abcdef',
    store: { id: '0042', name: 'Main Street', timeZone: 'UTC' },
    state: 'validated',
  },
  ...{ line: { state: 'up', since: 1 }, epoch: 1, head: { epoch: 1, n: 0, hash: GENESIS_HASH }, acknowledged: 0 },
  ...{
    backlog: 3,
    unsettledSince: null,
    holding: 412,
    blanks: 0,
    inUse: 2,
    holdsUntil: null,
    clock: { proven: false, earliest: 0 },
    version: '1',
  },
};
let state: TillStatus['state'] = 'validated';
const status = (): TillStatus => ({ ...good, state });
const metrics = makeMetrics(status, () => ({ phase: 'up', drill: null, dropped: new Map([['bad_signature', 2]]) }));
const unused = async () => {
  throw new Error('not asked');
};
const till: DoorTill = {
  ...{ redeem: async () => ok([refused]), validate: unused, reverse: unused, release: unused, basket: unused },
  ...{ history: unused, issue: unused, status },
};

let listening: Listening;
let url: string;
beforeAll(async () => {
  const register = registerDoor({
    till,
    link: { cut: () => ({ since: 0, until: 0, by: '' }), open: () => undefined },
    keys: makeKeyMemory(Date.now),
    sold: () => undefined,
  });
  const machine = machineDoor({
    status,
    metrics,
    version: '1.2.3',
    operations: register.map(({ operation }) => operation),
  });
  const gatekeeper = makeGatekeeper({ find: () => null }, Date.now);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const app = createApp([...register, ...machine], [], { gatekeeper, host: '127.0.0.1', log });
  listening = await listen(app, { host: '127.0.0.1', port: 0, tls: null });
  url = `http://127.0.0.1:${listening.port}`;
});
afterAll(() => listening.close());

describe('without a token', () => {
  test('/healthz says that the process answers', async () => {
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ ok: true, version: '1.2.3' });
  });

  test.each(['validated', 'starting', 'disagreement', 'fenced'] as const)('/readyz of a box that is %s', async (is) => {
    state = is;
    const response = await fetch(`${url}/readyz`);
    expect([response.status, await response.json()]).toEqual([
      is === 'validated' ? 200 : 503,
      { ready: is === 'validated', state: is, line: 'up' },
    ]);
    state = 'validated';
  });

  test('/metrics counts decisions by reason, and shows the backlog, the line and what is held', async () => {
    await metrics.counted(till).redeem({
      ...{ codes: ['x'], allOrNone: false, basket: 'b', lane: null, total: null, customer: null, discount: null },
    });
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    for (const line of [
      'tearline_decisions_total{call="redeem",decision="refused",mode="",reason="already_redeemed"} 1',
      'tearline_backlog_entries 3',
      'tearline_holding_coupons 412',
      'tearline_in_use_coupons 2',
      'tearline_line_up 1',
      'tearline_validated 1',
      'tearline_drill 0',
      'tearline_link_dropped_messages{reason="bad_signature"} 2',
      'tearline_decision_seconds_count{call="redeem"} 1',
    ])
      expect(text.split('\n')).toContain(line);
  });

  test('/openapi.json describes every call with its scope', async () => {
    const document = z
      .object({ openapi: z.string(), paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .parse(await (await fetch(`${url}/openapi.json`)).json());
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/readyz',
      '/v1/baskets/{basket}',
      '/v1/codes/{code}',
      '/v1/drill',
      '/v1/issues',
      '/v1/redemptions',
      '/v1/releases',
      '/v1/reversals',
      '/v1/validations',
    ]);
    expect(document.paths['/v1/drill']?.post).toMatchObject({ security: [{ token: ['box'] }] });
    expect(document.paths['/v1/redemptions']?.post).toMatchObject({
      security: [{ token: ['register'] }],
      requestBody: { required: true },
    });
  });

  test('/docs loads nothing from another host, and all that it loads is there', async () => {
    const response = await fetch(`${url}/docs`);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    const page = await response.text();
    const parts = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, part = '']) => part);
    expect(parts).toHaveLength(3);
    for (const part of parts) {
      expect(part).toMatch(/^\/docs\//);
      const asset = await fetch(`${url}${part}`);
      expect([part, asset.status, asset.headers.get('content-type')]).toEqual([
        part,
        200,
        expect.stringMatching(/^text\/(css|javascript); charset=utf-8$/),
      ]);
      await asset.text();
    }
  });
});
