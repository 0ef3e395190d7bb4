import { parseArgs } from 'node:util';
import { type Outcome, playStocking, RULES, type Rule } from './stocking.ts';
import { MODEL, type Model } from './stocking-model.ts';

const SEED = 1;
const EXIT_USAGE = 64;

/** What each number of the model says, and what it may be. Shares lie between 0 and 1. */
const SETTINGS: {
  readonly [K in keyof Model]: { readonly flag: string; readonly says: string; readonly most: number };
} = {
  stores: { flag: 'stores', says: 'stores', most: 9_999 },
  coupons: { flag: 'coupons', says: 'coupons, each of one customer', most: 1_000_000 },
  cutOff: { flag: 'cut-off', says: 'share of the stores that is cut off', most: 1 },
  hours: { flag: 'hours', says: 'hours for which they are', most: 48 },
  spread: { flag: 'spread', says: 'times as many customers the largest store has as the smallest', most: 1_000 },
  come: { flag: 'come', says: 'share of the coupons that is shown in these hours', most: 1 },
  online: { flag: 'online', says: 'share of these that is shown in a cart, of those who chose no store', most: 1 },
  atHome: { flag: 'at-home', says: "share of visits to stores that is to the customer's home store", most: 1 },
  atSecond: {
    flag: 'at-second',
    says: "share that is to the customer's one other store; the rest goes anywhere",
    most: 1,
  },
  homeKnown: { flag: 'home-known', says: 'share of customers whose home store the retailer knows', most: 1 },
  seen: { flag: 'seen', says: 'share of customers that was seen in a store within 90 days', most: 1 },
  clip: { flag: 'clip', says: "share of customers that chooses 'use it in this store'", most: 1 },
  keepWord: { flag: 'keep-word', says: 'share of these that comes to that store, if at all', most: 1 },
  unitsMax: { flag: 'units-max', says: 'coupons held ahead in one store at most', most: 100_000 },
  valueMax: { flag: 'value-max', says: 'face value held ahead in one store at most, minor units', most: 1e12 },
  worth: { flag: 'worth', says: 'face value of a coupon, minor units', most: 1e9 },
};
const KEYS = Object.keys(SETTINGS) as (keyof Model)[];

const HELP = `Usage: npm run sim -- stocking [--seed N] [--rule RULE]… [--json] [--NAME NUMBER]…

Plays one day with stock dealt by each rule (${RULES.join(', ')}; all of them where none is named), and prints what the
cut-off stores approved and what the online carts paid for it. The same seed gives the same figures.

${KEYS.map((key) => `  --${SETTINGS[key].flag.padEnd(10)} ${SETTINGS[key].says} (${MODEL[key]})`).join('\n')}
`;

/** @returns the exit status */
export async function stockingSim(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const options = readOptions(args);
  if (typeof options === 'string') {
    console.error(options);
    return EXIT_USAGE;
  }
  const { model, seed, rules, json } = options;
  const startedAt = performance.now();
  const say = (line: string) => console.error(`${Math.round((performance.now() - startedAt) / 1000)} s  ${line}`);
  const outcomes: Outcome[] = [];
  for (const rule of rules) {
    outcomes.push(await playStocking(model, seed, rule, (line) => say(`${rule}: ${line}`)));
    say(`${rule}: done`);
  }
  console.log(json ? JSON.stringify({ seed, model, outcomes }, null, 2) : table(seed, model, outcomes));
  return 0;
}

function table(seed: number, model: Model, outcomes: readonly Outcome[]): string {
  const money = (minor: number) => `$${(minor / 100).toFixed(0)}`;
  const rows = outcomes.map(({ rule, held, valueMean, valueMost, cutOff, connected, online }) => [
    rule,
    String(held),
    `${money(valueMean)}, ${money(valueMost)}`,
    percent(cutOff.approved, cutOff.shown),
    percent(connected.refusedByHolds, connected.shown),
    percent(online.delayed, online.shown),
    percent(online.refused, online.shown),
  ]);
  const head = [
    'stock by',
    'held',
    'in a store, mean and most',
    'cut off: approved',
    'connected: refused',
    'carts: delayed',
    'carts: refused',
  ];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [shown] = outcomes;
  return [
    `seed ${seed}`,
    ...KEYS.map((key) => `${String(model[key]).padStart(8)} ${SETTINGS[key].says}`),
    ...(shown === undefined
      ? []
      : [
          `${shown.cutOff.shown} coupons were shown in cut-off stores, ${shown.connected.shown} in others, ${shown.online.shown} in carts`,
        ]),
    '',
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
  ].join('\n');
}

const percent = (some: number, all: number): string => (all === 0 ? '-' : `${((100 * some) / all).toFixed(1)} %`);

type Options = {
  readonly model: Model;
  readonly seed: number;
  readonly rules: readonly Rule[];
  readonly json: boolean;
};

/** @returns what is wrong, in one line */
function readOptions(args: readonly string[]): Options | string {
  const given = parsed(args);
  if (typeof given === 'string') return given;
  const numbers: Record<string, number> = {};
  for (const key of KEYS) {
    const { flag, most } = SETTINGS[key];
    const text = given[flag];
    const value = text === undefined ? MODEL[key] : Number(text);
    if (!(value >= 0 && value <= most)) return `--${flag} is a number from 0 to ${most}, see --help`;
    numbers[key] = value;
  }
  const seed = Number(given.seed ?? SEED);
  if (!Number.isSafeInteger(seed)) return '--seed is a whole number';
  const rules = RULES.filter((rule) => given.rule === undefined || [given.rule].flat().includes(rule));
  if (rules.length === 0) return `--rule is one of ${RULES.join(', ')}`;
  return { model: { ...MODEL, ...numbers }, seed, rules, json: given.json === true };
}

function parsed(
  args: readonly string[],
): { [flag: string]: string | boolean | (string | boolean)[] | undefined } | string {
  try {
    const own = Object.fromEntries(KEYS.map((key) => [SETTINGS[key].flag, { type: 'string' }] as const));
    return parseArgs({
      args: [...args],
      options: {
        ...own,
        seed: { type: 'string' },
        rule: { type: 'string', multiple: true },
        json: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
