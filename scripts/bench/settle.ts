import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { JOURNAL_ENTRIES_PER_UPLOAD_MAX } from '../../protocol/limits.ts';
import { BareCodes } from './bare/codes.ts';
import type { Bench, Figure } from './figure.ts';
import { HttpClient } from './http-client.ts';
import { type Latency, latencyOf, timed } from './measure.ts';
import { each, sell } from './sales.ts';
import { startSystem, type System, until } from './system.ts';

const SECONDS_FOR_TEN_THOUSAND_MAX = 20;
const REGISTERS = 16;
const SCANS_BEFORE = 200;
const SCANS_MEANWHILE_MAX = 20_000;
const SETTLE_WAIT_MS = 120_000;

/** A box comes back with what it redeemed while it was cut off. */
export async function settle(bench: Bench): Promise<Figure[]> {
  const queued = bench.isQuick ? 1_000 : 10_000;
  const scans = bench.isQuick ? 500 : 1_000;
  const system = await startSystem(bench);
  bench.say(`reserving ${queued + scans} codes in the store`);
  const codes = await system.issue(queued + scans);
  await system.stock(codes);
  const registers = new HttpClient(system.gatewayPort, system.boxToken, REGISTERS);
  await registers.post('/v1/drill', { line: 'cut', minutes: 60 });
  bench.say(`redeeming ${queued} with the line cut`);
  await redeemAll(registers, codes.slice(0, queued));
  const scan = scanner(new HttpClient(system.gatewayPort, system.boxToken), codes.slice(queued));
  const { result, probe } = await bench.disk.around(async () => {
    const quiet = await scan(SCANS_BEFORE, () => false);
    bench.say('the line is back');
    const { settledMs, meanwhile } = await comeBack(registers, system, queued, scan);
    return {
      quiet: latencyOf(quiet),
      meanwhile: latencyOf(meanwhile),
      ourSeconds: settledMs / 1000,
      bareSeconds: (await bareMs(bench, queued)) / 1000,
    };
  });
  registers.close();
  const { quiet, meanwhile, ourSeconds, bareSeconds } = result;
  const secondsMax = (SECONDS_FOR_TEN_THOUSAND_MAX * queued) / 10_000;
  return [
    {
      name: 'settle',
      title: `${queued} queued redemptions after an outage until the ledger has them; bare: guarded updates, ${JOURNAL_ENTRIES_PER_UPLOAD_MAX} a commit`,
      unit: 's',
      n: queued,
      ours: { value: ourSeconds },
      bare: { value: bareSeconds },
      ratio: ourSeconds / bareSeconds,
      aim: `under ${secondsMax} s`,
      met: ourSeconds < secondsMax,
      probe,
      notes: [
        `a reserved scan at that gateway: ${text(quiet)} before, ${text(meanwhile)} while it settles (p50 / p99 ms)`,
        'the time includes the connection and the greeting after the drill',
      ],
    },
  ];
}

const text = ({ p50, p99 }: Latency): string => `${p50.toFixed(2)} / ${p99.toFixed(2)}`;

async function redeemAll(registers: HttpClient, codes: readonly string[]): Promise<void> {
  const left = codes.entries();
  const register = async () => {
    for (const [i, code] of left) await sell(registers, 'redemptions', code, `outage-${i}`);
  };
  await Promise.all(Array.from({ length: REGISTERS }, register));
}

type Scan = (most: number, isOver: () => boolean) => Promise<number[]>;

/** Validates one reserved code after another, each always for the same basket. */
function scanner(client: HttpClient, codes: readonly string[]): Scan {
  let done = 0;
  return async (most, isOver) => {
    const times: number[] = [];
    while (times.length < most && !isOver()) {
      const at = done++ % codes.length;
      times.push(await sell(client, 'validations', codes[at] ?? '', `scan-${at}`));
    }
    return times;
  };
}

async function comeBack(registers: HttpClient, system: System, queued: number, scan: Scan) {
  const isSettled = async () => (await system.redeemed()) === queued;
  let isOver = false;
  const scanning = scan(SCANS_MEANWHILE_MAX, () => isOver);
  const settling = timed(async () => {
    await registers.post('/v1/drill', { line: 'open' });
    await until('all is settled', isSettled, SETTLE_WAIT_MS);
  }).finally(() => {
    isOver = true;
  });
  const [settledMs, meanwhile] = await Promise.all([settling, scanning]);
  return { settledMs, meanwhile };
}

async function bareMs({ directory }: Bench, count: number): Promise<number> {
  const bare = new BareCodes(join(directory, 'bare.sqlite'));
  const hashes = Array.from({ length: count }, () => randomBytes(32));
  bare.insert(hashes);
  const next = each(hashes);
  const ms = await timed(() => {
    for (let done = 0; done < count; done += JOURNAL_ENTRIES_PER_UPLOAD_MAX)
      bare.redeem(Array.from({ length: Math.min(JOURNAL_ENTRIES_PER_UPLOAD_MAX, count - done) }, next));
  });
  bare.close();
  return ms;
}
