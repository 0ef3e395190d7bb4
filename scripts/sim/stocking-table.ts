import type { Outcome } from './stocking.ts';

/** Figures of one or several seeds, a row for each policy. */

const COLUMNS: { readonly [title: string]: (outcome: Outcome) => number | null } = {
  held: ({ held }) => held,
  'cut off: approved': ({ cutOff }) => percent(cutOff.approved, cutOff.shown),
  'connected: refused': ({ connected }) => percent(connected.refusedByHolds, connected.shown),
  'carts: delayed': ({ online }) => percent(online.delayed, online.shown),
  'carts: refused': ({ online }) => percent(online.refused, online.shown),
  'in a store, mean': ({ valueMean }) => valueMean / 100,
  'in a store, most': ({ valueMost }) => valueMost / 100,
};

export function table(outcomes: readonly Outcome[]): string {
  const byPolicy = Map.groupBy(outcomes, ({ rule, likelihoodMin }) => `${rule}, ${likelihoodMin} %`);
  const rows = [...byPolicy].map(([policy, played]) => [
    policy,
    ...Object.values(COLUMNS).map((read) => meanAndSpread(played.flatMap((outcome) => read(outcome) ?? []))),
  ]);
  const head = ['stock by', ...Object.keys(COLUMNS)];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const shown = [...Map.groupBy(outcomes, ({ seed }) => seed)].map(([seed, [one]]) =>
    one === undefined
      ? ''
      : `seed ${seed}: ${one.cutOff.shown} coupons were shown in cut-off stores, ${one.connected.shown} in others, ${one.online.shown} in carts`,
  );
  return [...shown, '', line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const percent = (some: number, all: number): number | null => (all === 0 ? null : (100 * some) / all);

/** With the standard deviation over the seeds, where there are several. */
function meanAndSpread(values: readonly number[]): string {
  if (values.length === 0) return '-';
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return mean.toFixed(1);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return `${mean.toFixed(1)} ± ${Math.sqrt(squares / (values.length - 1)).toFixed(1)}`;
}
