import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeGatekeeper } from '../../gateway/doors/gatekeeper.ts';
import { createApp } from '../../gateway/doors/http.ts';
import { makeKeyMemory } from '../../gateway/doors/idempotency.ts';
import { registerDoor } from '../../gateway/doors/register-door.ts';
import { createToken, tokenFolder } from '../../gateway/doors/tokens.ts';
import { makeLog } from '../../gateway/log.ts';
import { REASON_ROWS } from '../../protocol/register-frame/answer-codes.ts';
import { LRC_DEFAULT, type LrcOptions } from '../../protocol/register-frame/frame.ts';
import { type Finding, runChecks } from '../../scripts/register-kit/check.ts';
import { GATEWAY_LINE_CHECKS } from '../../scripts/register-kit/gateway-line-checks.ts';
import { couponChecks, GATEWAY_SALE_CHECKS } from '../../scripts/register-kit/gateway-sale-checks.ts';
import { HTTP_CHECKS, httpCouponChecks } from '../../scripts/register-kit/http-checks.ts';
import { HttpRegister } from '../../scripts/register-kit/http-register.ts';
import { PlayedGateway, type Request } from '../../scripts/register-kit/played-gateway.ts';
import { PlayedRegister } from '../../scripts/register-kit/played-register.ts';
import { REGISTER_LINE_CHECKS } from '../../scripts/register-kit/register-line-checks.ts';
import { REGISTER_SALE_CHECKS } from '../../scripts/register-kit/register-sale-checks.ts';
import { codeAt, World } from '../rules/till-world.ts';
import { BAD_GATEWAYS, BAD_REGISTERS, type Plant } from './register-plants.ts';
import { gatewayOn, loadModules, type Modules, registerOn, removeCopies } from './register-bench.ts';

afterAll(removeCopies);

/** @param only this check, alone; null: all, one after the other */
async function tryGateway(
  modules: Modules,
  only: string | null = null,
  { kit, gateway }: { kit: LrcOptions; gateway: LrcOptions } = { kit: LRC_DEFAULT, gateway: LRC_DEFAULT },
): Promise<Finding[]> {
  const { clock, wire, coupon } = await gatewayOn(modules, { kit, gateway });
  let [seq, baskets] = [0, 0];
  const nextSeq = () => {
    seq += 1;
    return String(seq);
  };
  const make = () => {
    baskets += 1;
    return new PlayedRegister(wire, `kit-${baskets}`, nextSeq);
  };
  const checks = [...GATEWAY_LINE_CHECKS, ...GATEWAY_SALE_CHECKS, ...couponChecks(coupon)];
  return clock.until(runChecks(chosen(checks, only), make));
}

async function tryRegister(modules: Modules, only: string | null = null): Promise<Finding[]> {
  const { clock, wire, sell } = registerOn(modules, LRC_DEFAULT);
  const sent: Request[] = [];
  return clock.until(runChecks(chosen(REGISTER_CHECKS, only), () => new PlayedGateway(wire, sell, sent)));
}

const chosen = <C extends { readonly name: string }>(checks: readonly C[], only: string | null): readonly C[] =>
  only === null ? checks : checks.filter(({ name }) => name === only);

const failing = (findings: readonly Finding[]) =>
  findings.flatMap((finding) => (finding.passed ? [] : [`${finding.name}: ${finding.expected}, came ${finding.came}`]));

const namesOf = (findings: readonly Finding[]) => findings.flatMap(({ passed, name }) => (passed ? [] : [name]));

const REGISTER_CHECKS = [...REGISTER_LINE_CHECKS, ...REGISTER_SALE_CHECKS];

const standing = await loadModules('standing', []);

describe('the kit finds nothing', () => {
  test('at the gateway', async () => {
    expect(failing(await tryGateway(standing))).toEqual([]);
  });

  test('at the reference register', async () => {
    expect(failing(await tryRegister(standing))).toEqual([]);
  });
});

describe('the kit finds a gateway that', () => {
  test.each(BAD_GATEWAYS.map((plant, at) => ({ ...plant, at })))('$what: $finds', async ({ finds, edits, at }) => {
    const findings = await tryGateway(await loadModules(`gateway-${at}`, edits), finds);
    expect(namesOf(findings)).toEqual([finds]);
  });

  test('has other options for its check byte: check-byte', async () => {
    const findings = await tryGateway(standing, 'check-byte', {
      kit: LRC_DEFAULT,
      gateway: { base: '7F', cover: 'payload+etx' },
    });
    expect(namesOf(findings)).toEqual(['check-byte']);
  });
});

describe('the kit finds a register that', () => {
  test.each(BAD_REGISTERS.map((plant, at) => ({ ...plant, at })))('$what: $finds', async ({ finds, edits, at }) => {
    const findings = await tryRegister(
      await loadModules(`register-${at}`, edits),
      // Of one sale alone it cannot be seen.
      finds === 'numbers-of-its-own' ? null : finds,
    );
    expect(namesOf(findings)).toContain(finds);
  });
});

describe('every check of the kit', () => {
  test('is failed by one of them', () => {
    const found = (plants: readonly Plant[]) => new Set(plants.map(({ finds }) => finds));
    const names = (checks: readonly { name: string }[]) => checks.map(({ name }) => name);
    const gateway = names([...GATEWAY_LINE_CHECKS, ...GATEWAY_SALE_CHECKS, ...couponChecks('')]);
    expect(gateway.filter((name) => !found(BAD_GATEWAYS).has(name))).toEqual([]);
    expect(names(REGISTER_CHECKS).filter((name) => !found(BAD_REGISTERS).has(name))).toEqual([]);
  });
});

describe('the integration guide', () => {
  const words = (text: string) => text.replace(/\s+/g, ' ');
  const guide = words(readFileSync(join(import.meta.dirname, '../../gateway/INTEGRATION.md'), 'utf8'));
  const checks = [
    ...GATEWAY_LINE_CHECKS,
    ...GATEWAY_SALE_CHECKS,
    ...couponChecks(''),
    ...REGISTER_CHECKS,
    ...HTTP_CHECKS,
    ...httpCouponChecks(''),
  ];

  test('has the sentence of every check, word for word', () => {
    const plain = guide.replaceAll('`', '');
    expect(checks.filter(({ guide: sentence }) => !plain.includes(sentence)).map(({ name }) => name)).toEqual([]);
  });

  test('has every reason with its cc and its short text', () => {
    const row = ([reason, { cc, text }]: [string, { cc: string; text: string }]) =>
      `| ${cc} | \`${reason}\` | ${text} |`;
    expect(Object.entries(REASON_ROWS).filter((entry) => !guide.includes(row(entry)))).toEqual([]);
  });
});

describe('the kit over HTTP', () => {
  test('finds nothing at the gateway', async () => {
    expect(failing(await tryHttp((text) => text))).toEqual([]);
  });

  test.each<[what: string, finds: string, spoil: Spoil]>([
    ['answers without a token', 'http-token', (text, { status }) => (status === 401 ? [200, text] : text)],
    ['answers a refusal with an error', 'http-reasons', (text) => (text.includes('"refused"') ? [409, text] : text)],
    ['declines what cannot be verified', 'http-cannot-verify-is-no-decline', instead('"undetermined"', '"refused"')],
    ['leaves out the mode', 'http-approves', instead('"mode":"reserved"', '"mode":null')],
    [
      'redeems anew at each call',
      'http-same-call-same-answer',
      (text, { calls }) => text.replace('"redemption":{"id":"', `"redemption":{"id":"${calls}`),
    ],
    [
      'gives one decision for several codes',
      'http-several-codes',
      (text) => text.replace(/^\{"results":\[(.*)\]\}$/, '$1'),
    ],
    ['does not name the field', 'http-not-well-formed', instead('"field"', '"place"')],
    ['knows every basket', 'http-unknown-basket', instead('"codes":[]', '"codes":[{}]')],
    ['does not know what is in use', 'http-one-basket', instead('"in_use"', '"unknown_code"')],
    ['forgets that a basket was undone', 'http-spent-once', instead('"reversed_first"', '"already_redeemed"')],
  ])('finds a gateway that %s: %s', async (_what, finds, spoil) => {
    expect(namesOf(await tryHttp(spoil))).toContain(finds);
  });
});

/** The text of an answer as it goes out, perhaps with another status. */
type Spoil = (text: string, about: { status: number; calls: number }) => string | [status: number, text: string];

const instead =
  (what: string, other: string): Spoil =>
  (text) =>
    text.replace(what, other);

/** The register door over the real till, and what is spoilt on its way out. */
async function tryHttp(spoil: Spoil): Promise<Finding[]> {
  const world = new World();
  await world.start();
  await world.connect();
  await world.stock(codeAt(0));
  const data = mkdtempSync(join(tmpdir(), 'tearline-kit-'));
  const token = createToken(data, { scope: 'register', name: 'kit' });
  const gatekeeper = makeGatekeeper(tokenFolder(data, Date.now), Date.now);
  const link = { cut: () => ({ since: 0, until: 0, by: '' }), open: () => undefined };
  const door = registerDoor({ till: world.box, link, keys: makeKeyMemory(Date.now), sold: () => undefined });
  const app = createApp(door, [], { gatekeeper, host: 'localhost', log: makeLog(() => {}) });
  let [calls, baskets] = [0, 0];
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    calls += 1;
    const answered = await app.request(url, { ...init, headers: { ...init.headers, host: 'localhost' } });
    const spoilt = spoil(await answered.text(), { status: answered.status, calls });
    const [status, text] = typeof spoilt === 'string' ? [answered.status, spoilt] : spoilt;
    return new Response(text, { status });
  };
  const make = () => {
    baskets += 1;
    return new HttpRegister({ url: 'http://localhost', token, basket: `kit-${baskets}`, fetch });
  };
  try {
    return await runChecks([...HTTP_CHECKS, ...httpCouponChecks(codeAt(0))], make);
  } finally {
    rmSync(data, { recursive: true });
  }
}
