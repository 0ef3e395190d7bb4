import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { assignList } from '../../cloud/distribution/assign-list.ts';
import { BareCodes } from './bare/codes.ts';
import { NO_POST, openDistribution } from './distribution-room.ts';
import { type Bench, type Figure, rateFigure } from './figure.ts';
import { rates } from './measure.ts';

const ROWS_PER_TRANSACTION = 512;
/** Five rows, with twelve places in trees of which five can be anywhere, and three encryptions stand for one bare row. */
const SHARE_MIN = 0.1;
const BLOCKS = 10;

/** A list of a million customers, each given a coupon of one's own; bare: as many rows inserted. */
export async function assign(bench: Bench): Promise<Figure[]> {
  const count = bench.isQuick ? 20_000 : 1_000_000;
  const blocks = { blocks: BLOCKS, perBlock: count / BLOCKS };
  const room = await openDistribution(join(bench.directory, 'ledger.sqlite'), NO_POST);
  bench.atEnd(() => room.close());
  const bare = new BareCodes(join(bench.directory, 'bare.sqlite'));
  bench.atEnd(() => bare.close());
  const discount = await room.distribution.discountOf(room.campaign);
  if (discount === null) throw new Error('the campaign is missing');
  let first = 0;
  const { result, probe } = await bench.disk.around(() =>
    rates(blocks, {
      ours: async () => {
        const bytes = listOf(first, blocks.perBlock);
        first += blocks.perBlock;
        const outcome = await assignList(
          room.distribution,
          { id: room.campaign, discount },
          null,
          bytes,
          () => undefined,
        );
        if (outcome.assigned !== blocks.perBlock) throw new Error(`assigned ${outcome.assigned} of ${blocks.perBlock}`);
      },
      bare: async () => {
        for (let done = 0; done < blocks.perBlock; done += ROWS_PER_TRANSACTION) {
          bare.insert(
            Array.from({ length: Math.min(ROWS_PER_TRANSACTION, blocks.perBlock - done) }, () => randomBytes(32)),
          );
          await new Promise(setImmediate);
        }
      },
    }),
  );
  const title = `customers of a list given a coupon each; bare: rows inserted, ${ROWS_PER_TRANSACTION} a commit`;
  const notes = [`in turn, by ${blocks.perBlock}: ${result.ours.map(Math.round).join(', ')}`];
  return [rateFigure({ name: 'assign', title, probe, notes }, count, result, SHARE_MIN)];
}

const LINES_PER_PIECE = 1_000;

async function* listOf(first: number, count: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from('customer,email\n');
  for (let at = first; at < first + count; at += LINES_PER_PIECE) {
    const size = Math.min(LINES_PER_PIECE, first + count - at);
    yield Buffer.from(Array.from({ length: size }, (_, i) => `c-${at + i},c${at + i}@example.com\n`).join(''));
  }
}
