import { join } from 'node:path';
import { type Bench, type Figure, rateFigure } from './figure.ts';
import { rates } from './measure.ts';
import { eventOf, openTraces } from './traces-room.ts';

const EVENTS_PER_BATCH = 500;
/** Beside each row: an index to find a coupon's events by, whether it is its first, and the day's sums. */
const SHARE_MIN = 0.2;

/** Events taken in with their days' sums; bare: the same rows into one table, as many a commit. */
export async function events(bench: Bench): Promise<Figure[]> {
  const blocks = { blocks: 10, perBlock: EVENTS_PER_BATCH * (bench.isQuick ? 4 : 40) };
  const room = await openTraces(join(bench.directory, 'ledger.sqlite'));
  bench.atEnd(() => room.close());
  const db = room.database.raw;
  db.exec(`CREATE TABLE bare (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, kind TEXT, campaign TEXT, assignment TEXT,
    channel TEXT, source TEXT, store TEXT, door TEXT, basket TEXT, total INTEGER, discount INTEGER, currency TEXT) STRICT`);
  const insert =
    db.prepare(`INSERT INTO bare (at, kind, campaign, assignment, channel, source, store, door, basket, total,
    discount, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  let made = 0;
  const batch = () => Array.from({ length: EVENTS_PER_BATCH }, () => eventOf(made++));
  const each = (write: (batch: ReturnType<typeof eventOf>[]) => Promise<void>) => async () => {
    for (let done = 0; done < blocks.perBlock; done += EVENTS_PER_BATCH) await write(batch());
  };
  const { result, probe } = await bench.disk.around(() =>
    rates(blocks, {
      ours: each((events) => room.add(events)),
      bare: each((events) =>
        room.database.exclusive(() => {
          for (const { at, kind, campaign, assignment, channel, source, store, door, basket, money } of events)
            insert.run(
              ...[at, kind, campaign, assignment, channel, JSON.stringify(source), store, door, basket],
              ...[money?.total ?? null, money?.discount ?? null, money?.currency ?? null],
            );
        }),
      ),
    }),
  );
  const title = `events taken in with the sums of their days, ${EVENTS_PER_BATCH} a commit; bare: the same rows into one table`;
  return [rateFigure({ name: 'events', title, probe }, blocks.blocks * blocks.perBlock, result, SHARE_MIN)];
}
