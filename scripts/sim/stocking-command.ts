import { parseArgs } from 'node:util';
import { LIKELIHOOD_MIN } from '../../cloud/fleet/stocking-rules.ts';
import { type Outcome, type Policy, playStocking, RULES } from './stocking.ts';
import { MODEL, type Model } from './stocking-model.ts';
import { playQuickly } from './stocking-quick.ts';
import { table } from './stocking-table.ts';

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
  online: { flag: 'online', says: 'share of what people buy that is online, on average over all people', most: 1 },
  alike: { flag: 'alike', says: 'how alike people are in it: 1, most do either; 10, most do both', most: 1_000 },
  atHome: {
    flag: 'at-home',
    says: "share of what a person buys in stores that is in the person's home store",
    most: 1,
  },
  atSecond: {
    flag: 'at-second',
    says: "share that is in the person's one other store; the rest goes anywhere",
    most: 1,
  },
  moved: { flag: 'moved', says: 'share of people whose habits all changed within the last half year', most: 1 },
  homeKnown: {
    flag: 'home-known',
    says: 'share of people whose home store the retailer knows, that of before',
    most: 1,
  },
  homeWrong: { flag: 'home-wrong', says: 'share of these that is known wrongly', most: 1 },
  uses: { flag: 'uses', says: 'coupons that a person has used in the last half year, on average', most: 100 },
  passedOn: { flag: 'passed-on', says: 'share of these that somebody else used', most: 1 },
  clip: { flag: 'clip', says: 'share of people that says in which store it will use the coupon, if in any', most: 1 },
  sayOnline: { flag: 'say-online', says: 'share of these that says so where it will use it online', most: 1 },
  keepWord: { flag: 'keep-word', says: 'share of who said where that uses it there, if at all', most: 1 },
  unitsMax: { flag: 'units-max', says: 'coupons held ahead in one store at most', most: 100_000 },
  valueMax: { flag: 'value-max', says: 'face value held ahead in one store at most, minor units', most: 1e12 },
  worth: { flag: 'worth', says: 'face value of a coupon, minor units', most: 1e9 },
};
const KEYS = Object.keys(SETTINGS) as (keyof Model)[];

/** At 0 every sign counts; just above the usual one a home store alone does not. */
const LIKELIHOODS = [0, LIKELIHOOD_MIN, LIKELIHOOD_MIN + 1];

const HELP = `Usage: npm run sim -- stocking [--seed N]… [--rule RULE]… [--likelihood PERCENT]… [--quick] [--json] [--NAME NUMBER]…

Plays one day with stock dealt by each rule (${RULES.join(', ')}; all of them where none is named), and prints what the
cut-off stores approved and what the online carts paid for it. The rule that goes by signs (choice) is played with each
likelihood at which a coupon is reserved ahead (${LIKELIHOODS.join(', ')}). The same seed gives the same figures; of several
seeds it prints the mean and the standard deviation. --quick plays by the rules of stocking alone, without ledger and boxes.

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
  const { model, seeds, policies, quick, json } = options;
  const startedAt = performance.now();
  const say = (line: string) => console.error(`${Math.round((performance.now() - startedAt) / 1000)} s  ${line}`);
  const outcomes: Outcome[] = [];
  for (const seed of seeds)
    for (const policy of policies) {
      const name = `seed ${seed}, ${policy.rule} ${policy.likelihoodMin}`;
      outcomes.push(
        quick
          ? playQuickly(model, seed, policy)
          : await playStocking(model, seed, policy, (line) => say(`${name}: ${line}`)),
      );
      say(`${name}: done`);
    }
  const settings = KEYS.map((key) => `${String(model[key]).padStart(8)} ${SETTINGS[key].says}`);
  console.log(json ? JSON.stringify({ model, outcomes }, null, 2) : [...settings, '', table(outcomes)].join('\n'));
  return 0;
}

type Options = {
  readonly model: Model;
  readonly seeds: readonly number[];
  readonly policies: readonly Policy[];
  readonly quick: boolean;
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
  const seeds = [given.seed ?? SEED].flat().map(Number);
  if (!seeds.every(Number.isSafeInteger)) return '--seed is a whole number';
  const rules = RULES.filter((rule) => given.rule === undefined || [given.rule].flat().includes(rule));
  if (rules.length === 0) return `--rule is one of ${RULES.join(', ')}`;
  const likelihoods = [given.likelihood ?? LIKELIHOODS].flat().map(Number);
  if (!likelihoods.every((percent) => percent >= 0 && percent <= 100)) return '--likelihood is from 0 to 100';
  const policies = rules.flatMap((rule) =>
    (rule === 'choice' ? likelihoods : [0]).map((likelihoodMin) => ({ rule, likelihoodMin })),
  );
  return { model: { ...MODEL, ...numbers }, seeds, policies, quick: given.quick === true, json: given.json === true };
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
        seed: { type: 'string', multiple: true },
        likelihood: { type: 'string', multiple: true },
        rule: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
