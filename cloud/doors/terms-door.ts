import { z } from 'zod';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';
import { moneySchema } from '../../protocol/money.ts';
import { discountSchema, personalOfferSchema } from '../../protocol/offer.ts';
import { type Problem, problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import { campaignVersionSchema, versionView } from '../issuing/campaign.ts';
import type { Ledger, OldTermsView, PersonalRefusal, TermsView } from '../ledger/port.ts';
import { csvFile, type CsvLine, wantsCsv } from './csv.ts';
import { type Endpoint, withBody, withoutBody } from './http.ts';

/** Terms that changed, terms of one coupon's own, and what was redeemed under old ones. */
export function termsDoor(ledger: Ledger): Endpoint[] {
  return [
    withoutBody(routes.versions, async ({ param }) => {
      const versions = await ledger.campaignVersions(param('id'));
      return versions === null ? err(problem('not_found')) : ok({ versions: versions.map(versionView) });
    }),
    withBody(routes.personalise, async ({ body, param }) => {
      const { code, ...offer } = body;
      if (Object.keys(offer).length === 0)
        return err(problem('invalid_request', { detail: 'It has nothing of its own.' }));
      const personal = await ledger.personalise(param('id'), code, offer);
      if (!personal.ok) return err(refusalProblem(personal.error));
      const { startsAt, endsAt, minimumBasket, offer: own } = personal.value;
      return ok({ title: own.title, discount: own.discount, startsAt, endsAt, minimumBasket });
    }),
    withoutBody(routes.oldTerms, async ({ header }) => {
      const redemptions = await ledger.oldTerms();
      if (!wantsCsv(header('accept'))) return ok({ redemptions: redemptions.map(oldTermsView) });
      return csvFile('old-terms', oneChunk([OLD_TERMS_COLUMNS, ...redemptions.map(oldTermsFields)]));
    }),
  ];
}

const admin = { scope: 'admin', tag: 'Campaigns' } as const;
const date = z.string();
const ownTerms = {
  title: z.string(),
  discount: discountSchema,
  startsAt: date,
  endsAt: date,
  minimumBasket: moneySchema.nullable(),
};
const termsViewSchema = z.object({
  version: z.int(),
  ...ownTerms,
  condition: z.string().nullable(),
  terms: z.string().nullable(),
});

const routes = {
  versions: {
    ...admin,
    method: 'GET',
    path: '/v1/campaigns/{id}/versions',
    summary: 'Its terms under every version, the oldest first. A card that only learned what codes look like has none.',
    response: z.object({ versions: z.array(campaignVersionSchema) }),
  },
  personalise: {
    ...admin,
    method: 'POST',
    path: '/v1/campaigns/{id}/personal-offers',
    status: 201,
    summary:
      'Give one free code of this campaign a title, discount, dates, minimum basket or terms of its own, once and for good, ' +
      'within the bounds of the campaign: the same type of discount and currency, at most `personalValueMax`, inside its dates.',
    body: z.strictObject({ code: z.string().min(1).max(CODE_CHARACTERS_READ_MAX), ...personalOfferSchema.shape }),
    response: z.object(ownTerms),
  },
  oldTerms: {
    scope: 'admin',
    tag: 'Reports',
    method: 'GET',
    path: '/v1/reports/old-terms',
    summary:
      'Redemptions of stores that had not heard of changed terms, the newest first: the terms that were used, those in force ' +
      'by then, and how much more the coupon was worth than these allow. With `Accept: text/csv` as a file.',
    response: z.object({
      redemptions: z.array(
        z.object({
          campaign: z.string(),
          lastFour: z.string(),
          store: z.string(),
          at: z.iso.datetime(),
          basket: z.string(),
          reversed: z.boolean(),
          used: termsViewSchema,
          inForce: termsViewSchema,
          difference: z.object({ amount: z.int(), currency: z.string() }),
        }),
      ),
    }),
    orElse: 'text/csv',
  },
} as const;

function refusalProblem(refusal: PersonalRefusal): Problem {
  switch (refusal.why) {
    case 'unknown_code':
      return problem('not_found');
    case 'not_free':
      return problem('conflict', { detail: 'The code is held, reserved in a store, redeemed or void.' });
    case 'has_one':
      return problem('conflict', { detail: 'The code has a personal offer already.' });
    case 'out_of_bounds':
      return problem('invalid_request', { field: refusal.field, detail: refusal.detail });
    case 'cap_exceeded':
      return problem('cap_exceeded', { field: 'discount' });
  }
}

const oldTermsView = ({ at, ...view }: OldTermsView) => ({ ...view, at: new Date(at).toISOString() });

const TERMS_COLUMNS = ['Version', 'Title', 'Discount', 'StartsAt', 'EndsAt', 'MinimumBasket'];
const OLD_TERMS_COLUMNS = [
  ...['campaign', 'lastFour', 'store', 'at', 'basket', 'reversed'],
  ...TERMS_COLUMNS.map((column) => `used${column}`),
  ...TERMS_COLUMNS.map((column) => `inForce${column}`),
  ...['difference', 'currency'],
];

async function* oneChunk(lines: readonly CsvLine[]): AsyncGenerator<readonly CsvLine[]> {
  yield lines;
}

function oldTermsFields(view: OldTermsView): CsvLine {
  const { campaign, lastFour, store, at, basket, reversed, used, inForce, difference } = view;
  return [
    ...[campaign, lastFour, store, new Date(at).toISOString(), basket, String(reversed)],
    ...termsFields(used),
    ...termsFields(inForce),
    ...[String(difference.amount), difference.currency],
  ];
}

/** Amounts in minor units; a discount as its parts, the most that it may cost last. */
function termsFields({ version, title, discount, startsAt, endsAt, minimumBasket }: TermsView): CsvLine {
  const needs = minimumBasket === null ? '' : String(minimumBasket.amount);
  return [String(version), title, discountText(discount), startsAt, endsAt, needs];
}

function discountText(discount: TermsView['discount']): string {
  switch (discount.type) {
    case 'amount':
      return `amount ${discount.amount}`;
    case 'percent':
      return `percent ${discount.percent} ${discount.maxAmount}`;
    case 'item':
      return `item ${discount.maxAmount}`;
  }
}
