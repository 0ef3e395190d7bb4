import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Ledger } from '../../cloud/ledger/port.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { BareCodes } from './bare/codes.ts';
import { type Bench, type Figure, rateFigure } from './figure.ts';
import { codesOf, issueTo, openLedger } from './ledger-room.ts';
import { rates } from './measure.ts';
import { each } from './sales.ts';

const IN_FLIGHT = 256;
const SHARE_MIN = 0.5;

/** Carts redeem, 256 at once; bare: guarded updates of one table, 256 in each commit. */
export async function ledger(bench: Bench): Promise<Figure[]> {
  const blocks = { blocks: 10, perBlock: IN_FLIGHT * (bench.isQuick ? 4 : 20) };
  const count = (blocks.blocks + 1) * blocks.perBlock;
  const room = await openLedger(openDatabase(join(bench.directory, 'ledger.sqlite')));
  bench.atEnd(() => room.close());
  const bare = new BareCodes(join(bench.directory, 'bare.sqlite'));
  bench.atEnd(() => bare.close());
  bench.say(`issuing ${count} codes`);
  const codes = await codesOf(room.ledger, await issueTo(room.ledger, count));
  const hashes = Array.from({ length: count }, () => randomBytes(32));
  bare.insert(hashes);

  bench.say('redeeming');
  const nextCode = each(codes);
  const nextHash = each(hashes);
  const take = <T>(next: () => T, n: number): T[] => Array.from({ length: n }, next);
  const { result, probe } = await bench.disk.around(() =>
    rates(blocks, {
      ours: () => redeemAll(room.ledger, take(nextCode, blocks.perBlock)),
      bare: async () => {
        for (let done = 0; done < blocks.perBlock; done += IN_FLIGHT) {
          bare.redeem(take(nextHash, IN_FLIGHT));
          await new Promise(setImmediate);
        }
      },
    }),
  );
  const title = `redemptions by carts at the ledger, ${IN_FLIGHT} in flight; bare: guarded updates, ${IN_FLIGHT} a commit`;
  return [rateFigure({ name: 'ledger', title, probe }, blocks.blocks * blocks.perBlock, result, SHARE_MIN)];
}

/** So many callers, each with one call under way. */
async function redeemAll(to: Ledger, codes: readonly string[]): Promise<void> {
  const left = codes.entries();
  const caller = async () => {
    for (const [i, code] of left) await redeemOne(to, code, `basket-${code}-${i}`);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
}

async function redeemOne(to: Ledger, code: string, basket: string): Promise<void> {
  const total = { amount: 4200, currency: 'USD' };
  const sale = {
    client: 'shop',
    codes: [code],
    allOrNone: false,
    basket,
    lane: null,
    total,
    customer: null,
    discount: null,
  };
  const redeemed = await to.redeem(sale);
  const decision = redeemed.ok ? redeemed.value[0]?.decision : redeemed.error;
  if (decision !== 'approved') throw new Error(`a redemption at the ledger was ${decision}`);
}
