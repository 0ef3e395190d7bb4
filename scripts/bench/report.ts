import type { Figure, Measure, Ratio } from './figure.ts';
import type { Latency } from './measure.ts';

/** The machine and the moment that all figures of a run share. */
export type Run = {
  readonly at: string;
  readonly machine: string;
  readonly quick: boolean;
  readonly figures: readonly Figure[];
};

/** The table for people, and under it what a figure has to say besides. */
export function table({ at, machine, quick, figures }: Run): string {
  const rows = [HEAD, ...figures.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('   ');
  const [head = '', ...body] = lines;
  const about = figures.flatMap(({ name, title, notes }) => [`${name}: ${title}`, ...notes.map((note) => `  ${note}`)]);
  return [
    `${machine}`,
    `${at}${quick ? ', quick: small sizes, so only an impression' : ''}`,
    '',
    head,
    rule,
    ...body,
    '',
    ...about,
  ].join('\n');
}

const HEAD = ['figure', 'n', 'ours', 'bare', 'ratio', 'aim', 'met', 'probe before', 'probe after'];

function row({ name, unit, n, ours, bare, ratio, aim, met, probe }: Figure): string[] {
  return [
    name,
    String(n),
    measure(ours, unit),
    bare === null ? '-' : measure(bare, unit),
    ratio === null ? '-' : times(ratio),
    aim ?? '-',
    met === null ? '-' : met ? 'yes' : 'NO',
    probe === null ? '-' : pair(probe.before, 'ms'),
    probe === null ? '-' : pair(probe.after, 'ms'),
  ];
}

function measure(value: Measure, unit: Figure['unit']): string {
  if ('rate' in value) return `${Math.round(value.rate).toLocaleString('en')} ${unit}`;
  return 'value' in value ? `${short(value.value)} ${unit}` : pair(value, unit);
}

/** p50 / p99 */
const pair = ({ p50, p99 }: Latency, unit: string): string => `${short(p50)} / ${short(p99)} ${unit}`;

const times = (ratio: Ratio): string =>
  typeof ratio === 'number' ? `${ratio.toFixed(2)} ×` : `${ratio.p50.toFixed(2)} / ${ratio.p99.toFixed(2)} ×`;

const short = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1));
