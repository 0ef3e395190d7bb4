import { afterAll, describe, expect, test } from 'vitest';
import { LRC_DEFAULT, type LrcOptions } from '../../protocol/register-frame/frame.ts';
import { type Finding, runChecks } from '../../scripts/register-kit/check.ts';
import { GATEWAY_LINE_CHECKS } from '../../scripts/register-kit/gateway-line-checks.ts';
import { couponChecks, GATEWAY_SALE_CHECKS } from '../../scripts/register-kit/gateway-sale-checks.ts';
import { PlayedGateway, type Request } from '../../scripts/register-kit/played-gateway.ts';
import { PlayedRegister } from '../../scripts/register-kit/played-register.ts';
import { REGISTER_CHECKS } from '../../scripts/register-kit/register-checks.ts';
import { BAD_GATEWAYS, BAD_REGISTERS, type Plant } from './register-plants.ts';
import { gatewayOn, loadModules, type Modules, registerOn, removeCopies } from './register-bench.ts';

afterAll(removeCopies);

async function tryGateway(modules: Modules, kit: LrcOptions = LRC_DEFAULT, gateway = kit): Promise<Finding[]> {
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
  return clock.until(runChecks(checks, make));
}

async function tryRegister(modules: Modules): Promise<Finding[]> {
  const { clock, wire, sell } = registerOn(modules, LRC_DEFAULT);
  const sent: Request[] = [];
  return clock.until(runChecks(REGISTER_CHECKS, () => new PlayedGateway(wire, sell, sent)));
}

const failing = (findings: readonly Finding[]) =>
  findings.flatMap((finding) => (finding.passed ? [] : [`${finding.name}: ${finding.expected}, came ${finding.came}`]));

const namesOf = (findings: readonly Finding[]) => findings.flatMap(({ passed, name }) => (passed ? [] : [name]));

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
    const findings = await tryGateway(await loadModules(`gateway-${at}`, edits));
    expect(namesOf(findings)).toContain(finds);
  });

  test('has other options for its check byte: check-byte', async () => {
    const findings = await tryGateway(standing, LRC_DEFAULT, { base: '7F', cover: 'payload+etx' });
    expect(namesOf(findings)).toContain('check-byte');
  });
});

describe('the kit finds a register that', () => {
  test.each(BAD_REGISTERS.map((plant, at) => ({ ...plant, at })))('$what: $finds', async ({ finds, edits, at }) => {
    const findings = await tryRegister(await loadModules(`register-${at}`, edits));
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
