import type { Disk, Probes } from './disk.ts';
import { type Latency, latencyOf, median, type Pair } from './measure.ts';

/** One figure beside its bare limit, both of the same run. Printed as it stands for machines, by report.ts for people. */
export type Figure = {
  readonly name: string;
  readonly title: string;
  /** Of `ours` and `bare`. */
  readonly unit: 'ms' | 's' | 'MB' | '%' | 'per second';
  /** How often it was measured, or how many were carried out. */
  readonly n: number;
  readonly ours: Measure;
  /** Null where nothing smaller does the same. */
  readonly bare: Measure | null;
  /** Ours by bare. */
  readonly ratio: Ratio | null;
  /** Null where the figure is there to be looked at. */
  readonly aim: string | null;
  readonly met: boolean | null;
  /** Null where nothing is written. */
  readonly probe: Probes | null;
  readonly notes: readonly string[];
};

export type Measure = Latency | { readonly rate: number } | { readonly value: number };
export type Ratio = Latency | number;

/** What a figure gets to work with. */
export type Bench = {
  readonly isQuick: boolean;
  /** Its own, empty; removed when the figure is done. */
  readonly directory: string;
  readonly disk: Disk;
  /** One line for who waits. */
  readonly say: (line: string) => void;
  /** Carried out when the figure is done or the bench is stopped, the last one first. */
  readonly atEnd: (close: () => void | Promise<void>) => void;
};

type About = Pick<Figure, 'name' | 'title' | 'probe'> & { readonly notes?: readonly string[] };

/** Times of single operations, in milliseconds: ours may take so many times as long, at the median and at p99. */
export function latencyFigure(about: About, times: Pair<readonly number[]>, ratioMax: number): Figure {
  const ours = latencyOf(times.ours);
  const bare = latencyOf(times.bare);
  const ratio = { p50: ours.p50 / bare.p50, p99: ours.p99 / bare.p99 };
  return {
    ...about,
    unit: 'ms',
    n: times.ours.length,
    ours,
    bare,
    ratio,
    aim: `at most ${ratioMax} ×, p50 and p99`,
    met: ratio.p50 <= ratioMax && ratio.p99 <= ratioMax,
    notes: about.notes ?? [],
  };
}

/** Operations a second, block by block: ours must reach such a share of what is bare. */
export function rateFigure(about: About, n: number, rates: Pair<readonly number[]>, shareMin: number): Figure {
  const ours = median(rates.ours);
  const bare = median(rates.bare);
  return {
    ...about,
    unit: 'per second',
    n,
    ours: { rate: ours },
    bare: { rate: bare },
    ratio: ours / bare,
    aim: `at least ${shareMin} ×`,
    met: ours / bare >= shareMin,
    notes: about.notes ?? [],
  };
}
