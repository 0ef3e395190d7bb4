import { afterAll, describe, expect, test } from 'vitest';
import { LRC_DEFAULT, type LrcOptions } from '../../protocol/register-frame/frame.ts';
import { type Finding, runChecks } from '../../scripts/register-kit/check.ts';
import { GATEWAY_LINE_CHECKS } from '../../scripts/register-kit/gateway-line-checks.ts';
import { couponChecks, GATEWAY_SALE_CHECKS } from '../../scripts/register-kit/gateway-sale-checks.ts';
import { PlayedGateway, type Request } from '../../scripts/register-kit/played-gateway.ts';
import { PlayedRegister } from '../../scripts/register-kit/played-register.ts';
import { REGISTER_CHECKS } from '../../scripts/register-kit/register-checks.ts';
import { gatewayOn, loadModules, type Modules, registerOn, removeCopies } from './register-bench.ts';

afterAll(removeCopies);

async function tryGateway(modules: Modules, kit: LrcOptions = LRC_DEFAULT, gateway = kit): Promise<Finding[]> {
  const { clock, wire, coupon } = await gatewayOn(modules, gateway);
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

const standing = await loadModules('standing', []);

describe('the kit finds nothing', () => {
  test('at the gateway', async () => {
    expect(failing(await tryGateway(standing))).toEqual([]);
  });

  test('at the reference register', async () => {
    expect(failing(await tryRegister(standing))).toEqual([]);
  });
});
