import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { makeCodes } from '../../protocol/code.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { BareCodes } from './bare/codes.ts';
import { type Bench, type Figure, rateFigure } from './figure.ts';
import { issueTo, openLedger } from './ledger-room.ts';
import { rates, timed } from './measure.ts';

const ROWS_PER_TRANSACTION = 2_000;
/** At most twice the time of a bare insert. */
const SHARE_MIN = 0.5;

/** A million codes made, and a million issued in ten stacks, each beside as many bare rows. */
export async function issue(bench: Bench): Promise<Figure[]> {
  const count = bench.isQuick ? 50_000 : 1_000_000;
  const blocks = { blocks: 10, perBlock: count / 10 };
  bench.say(`making ${count} codes`);
  const madeMs = await timed(() => makeCodes(count, randomBytes));
  const room = await openLedger(openDatabase(join(bench.directory, 'ledger.sqlite')));
  bench.atEnd(() => room.close());
  const bare = new BareCodes(join(bench.directory, 'bare.sqlite'));
  bench.atEnd(() => bare.close());
  bench.say(`issuing ${count} codes in ten stacks`);
  const { result, probe } = await bench.disk.around(() =>
    rates(blocks, {
      ours: async () => void (await issueTo(room.ledger, blocks.perBlock)),
      bare: () => insertRows(bare, blocks.perBlock),
    }),
  );
  const about = {
    name: 'issue',
    title: `codes issued by the ledger; bare: rows inserted, ${ROWS_PER_TRANSACTION} a commit`,
  };
  return [madeFigure(count, madeMs), rateFigure({ ...about, probe }, count, result, SHARE_MIN)];
}

/** The random hashes are a tenth of its time at most: a row must have one. */
async function insertRows(bare: BareCodes, count: number): Promise<void> {
  for (let done = 0; done < count; done += ROWS_PER_TRANSACTION) {
    const size = Math.min(ROWS_PER_TRANSACTION, count - done);
    const bytes = randomBytes(size * 32);
    bare.insert(Array.from({ length: size }, (_, i) => bytes.subarray(i * 32, (i + 1) * 32)));
    await new Promise(setImmediate);
  }
}

function madeFigure(count: number, ms: number): Figure {
  return {
    name: 'make',
    title: 'codes drawn from the random source, with their check characters',
    unit: 'per second',
    n: count,
    ours: { rate: (count * 1000) / ms },
    bare: null,
    ratio: null,
    aim: null,
    met: null,
    probe: null,
    notes: [],
  };
}
