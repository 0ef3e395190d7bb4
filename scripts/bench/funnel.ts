import { join } from 'node:path';
import { countsReport } from '../../cloud/reports/attribution.ts';
import { type By, PARTED_BY } from '../../cloud/reports/report-rules.ts';
import type { Bench, Figure } from './figure.ts';
import { latencies, latencyOf, timed } from './measure.ts';
import { eventOf, openTraces } from './traces-room.ts';

const MS_MAX = 1_000;
const EVENTS_PER_FILL = 5_000;
const FILLS_TOLD = 200;

/** A funnel by site over ten million events; bare: the sums that it reads, added up and nothing else. */
export async function funnel(bench: Bench): Promise<Figure[]> {
  const count = bench.isQuick ? 200_000 : 10_000_000;
  const room = await openTraces(join(bench.directory, 'ledger.sqlite'));
  bench.atEnd(() => room.close());
  for (let n = 0; n < count; n += EVENTS_PER_FILL) {
    if (n % (EVENTS_PER_FILL * FILLS_TOLD) === 0) bench.say(`${n} of ${count} events`);
    await room.add(Array.from({ length: EVENTS_PER_FILL }, (_, i) => eventOf(n + i)));
  }
  const ask = (by: By | null) => countsReport(room.ports, { campaign: null, from: '2000-01-01', to: '2099-12-31', by });
  const db = room.database.reader;
  const sums = db.prepare('SELECT sum(count), sum(firsts), sum(revenue), sum(discount) FROM rollups');
  bench.say('asking');
  const times = await latencies(
    { blocks: 5, perBlock: 2 },
    {
      ours: () => timed(() => ask('site')),
      bare: async () => timed(() => sums.get()),
    },
  );
  const ours = latencyOf(times.ours);
  const bare = latencyOf(times.bare);
  const others: string[] = [];
  for (const by of [null, ...PARTED_BY])
    others.push(`${by ?? 'campaign'} ${Math.round(await timed(() => ask(by)))} ms`);
  const scanMs = await timed(() => db.prepare('SELECT kind, count(*) FROM events GROUP BY kind').all());
  const rows = Number(db.prepare('SELECT count(*) FROM rollups').pluck().get());
  return [
    {
      name: 'funnel',
      title: `a funnel by site over ${count.toLocaleString('en')} events of ninety days; bare: its sums added up, and nothing else`,
      unit: 'ms',
      n: times.ours.length,
      ours,
      bare,
      ratio: { p50: ours.p50 / bare.p50, p99: ours.p99 / bare.p99 },
      aim: `under ${MS_MAX} ms`,
      met: ours.p99 < MS_MAX,
      probe: null,
      notes: [
        `kept as ${rows.toLocaleString('en')} sums of days; counting the events themselves once takes ${Math.round(scanMs)} ms`,
        `by ${others.join(', ')}`,
      ],
    },
  ];
}
