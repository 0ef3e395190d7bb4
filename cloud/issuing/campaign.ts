import { z } from 'zod';
import { isTimeZone, validityIn } from '../../protocol/card.ts';
import { dateOrInstantSchema } from '../../protocol/dates.ts';
import { BLANKS_PER_STORE_MAX } from '../../protocol/limits.ts';
import { moneySchema } from '../../protocol/money.ts';
import { discountSchema, faceValue, offerSchema, termsSchema } from '../../protocol/offer.ts';
import { campaignIdSchema, storeIdSchema } from '../../protocol/reservation.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { BARCODES } from '../ledger/campaign-rules.ts';
import type { Campaign, CampaignVersion, NewCampaign } from '../ledger/port.ts';
import { REVERSAL_DAYS } from '../ledger/undo-rules.ts';

/** A campaign as the marketer writes it, and the way from there to the ledger's and back. */

const ADDRESS_CHARACTERS_MAX = 2_048;
/** A picture that is in its address itself, as faces show it: 40 kB, and one body with all the rest takes it. */
const PICTURE_CHARACTERS_MAX = 54_000;
/** No chain that one ledger serves has more. */
const STORES_MAX = 10_000;
/** Codes of one campaign. */
const CAP_UNITS_MAX = 1_000_000_000;
/** A reversal so late is an error of the books, not a return. */
const REVERSAL_DAYS_MAX = 365;
/** Coupons of one campaign that one customer may have: more is not a personal offer. */
const PER_CUSTOMER_MAX = 1_000;

export const timeZoneSchema = z.string().max(64).refine(isTimeZone, 'an IANA time zone, as Europe/Berlin');

const units = z.int().min(1).max(CAP_UNITS_MAX);
/** Minor units of the discount's currency. A million million is far from where numbers become inexact. */
const value = z.int().min(1).max(1_000_000_000_000);

/** Unlimited where nothing is said. */
const capSchema = z.strictObject({ units: units.nullable().default(null), value: value.nullable().default(null) });

/** What a store may accept without a reservation while it is cut off: the floor limits of one outage. Stored; it behaves as `decline`. */
const offlineSchema = z.union([
  z.literal('decline'),
  z.strictObject({ standIn: z.strictObject({ units: units.optional(), value: value.optional() }) }),
]);

/** Coupons that a register issues: so many are held ahead in each store, for when its line is down. */
const blanksSchema = z.strictObject({ perStore: z.int().min(1).max(BLANKS_PER_STORE_MAX) });

const shape = {
  title: offerSchema.shape.title,
  condition: termsSchema.nullable(),
  terms: termsSchema.nullable(),
  picture: z
    .union([
      z.string().max(ADDRESS_CHARACTERS_MAX),
      z
        .string()
        .max(PICTURE_CHARACTERS_MAX)
        .regex(/^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/, 'an address, or data of a picture'),
    ])
    .nullable(),
  discount: discountSchema,
  promotionRef: offerSchema.shape.promotionRef,
  channels: z
    .array(z.enum(['store', 'online']))
    .min(1)
    .refine((list) => new Set(list).size === list.length, 'each channel once'),
  timeZone: timeZoneSchema,
  startsAt: dateOrInstantSchema,
  endsAt: dateOrInstantSchema,
  cap: capSchema,
  /** The same for what is given out in one day of the campaign's time zone, lists aside. */
  capPerDay: capSchema,
  perCustomer: z.int().min(1).max(PER_CUSTOMER_MAX),
  reversalDays: z.int().min(0).max(REVERSAL_DAYS_MAX),
  /** The most that one personal offer may be worth, minor units; null: what the campaign's own is worth [P13]. */
  personalValueMax: moneySchema.shape.amount.min(1).nullable(),
  stores: z.union([z.literal('all'), z.array(storeIdSchema).min(1).max(STORES_MAX)]),
  minimumBasket: moneySchema.nullable(),
  onSilence: z.enum(['hold', 'replace', 'replace_now']),
  offline: offlineSchema,
  barcode: z.enum(BARCODES),
  blanks: blanksSchema.nullable(),
};

type Terms = z.infer<z.ZodObject<typeof shape>>;

export const newCampaignSchema = z
  .strictObject({
    ...shape,
    id: campaignIdSchema.optional(),
    condition: shape.condition.default(null),
    terms: shape.terms.default(null),
    picture: shape.picture.default(null),
    promotionRef: shape.promotionRef.default(null),
    channels: shape.channels.default(['store', 'online']),
    cap: capSchema.default({ units: null, value: null }),
    capPerDay: capSchema.default({ units: null, value: null }),
    perCustomer: shape.perCustomer.default(1),
    reversalDays: shape.reversalDays.default(REVERSAL_DAYS),
    personalValueMax: shape.personalValueMax.default(null),
    stores: shape.stores.default('all'),
    minimumBasket: shape.minimumBasket.default(null),
    onSilence: shape.onSilence.default('hold'),
    offline: shape.offline.default('decline'),
    barcode: shape.barcode.default('qr'),
    blanks: shape.blanks.default(null),
  })
  .superRefine(checkTogether);

/** Any of its terms; its id stays. */
export const campaignChangeSchema = z.strictObject(shape).partial();
export type CampaignChange = z.infer<typeof campaignChangeSchema>;

export const campaignViewSchema = z.object({
  ...shape,
  id: campaignIdSchema,
  /** Rises with every change. */
  version: z.int(),
  changedAt: z.iso.datetime(),
  issued: z.object({ units: z.int(), value: z.int() }),
});
type CampaignView = z.infer<typeof campaignViewSchema>;

/** Its terms under one version. */
export const campaignVersionSchema = z.object({ ...shape, version: z.int(), at: z.iso.datetime() });

/** The campaign after a change, judged as a whole: an end before the start can come of one date alone. */
export function changedCampaign(now: Campaign, change: CampaignChange): Result<Campaign, z.ZodError> {
  const terms = z
    .strictObject(shape)
    .superRefine(checkTogether)
    .superRefine((after, context) => {
      // What is already issued is counted in it.
      if (after.discount.currency !== now.card.offer.discount.currency)
        context.addIssue({ code: 'custom', path: ['discount', 'currency'], message: 'the currency stays' });
    })
    .safeParse({ ...termsOf(now), ...change });
  if (!terms.success) return err(terms.error);
  const { card, ...rest } = campaignOf(now.id, now.card.version + 1, terms.data);
  // Not the marketer's to write: what was imported stays recognised.
  const { forms } = now.card;
  return ok({ ...now, ...rest, card: forms === undefined ? card : { ...card, forms } });
}

/** The ledger's form; the version is the card's. */
export function campaignOf(id: string, version: number, terms: Terms): NewCampaign {
  const { title, discount, promotionRef, condition, picture, cap, capPerDay, perCustomer } = terms;
  const { personalValueMax, reversalDays, offline, barcode, blanks } = terms;
  const { channels, timeZone, startsAt, endsAt, stores, minimumBasket, onSilence } = terms;
  return {
    id,
    card: {
      version,
      offer: { campaign: id, title, discount, promotionRef },
      ...{ channels, timeZone, startsAt, endsAt, stores, minimumBasket, onSilence },
    },
    ...{
      condition,
      terms: terms.terms,
      picture,
      cap,
      capPerDay,
      perCustomer,
      personalValueMax,
      reversalDays,
      offline,
      barcode,
      blanks,
    },
  };
}

export function campaignView(campaign: Campaign): CampaignView {
  return {
    id: campaign.id,
    ...termsOf(campaign),
    version: campaign.card.version,
    changedAt: new Date(campaign.changedAt).toISOString(),
    issued: { units: campaign.issuedUnits, value: campaign.issuedValue },
  };
}

export function versionView(version: CampaignVersion): z.infer<typeof campaignVersionSchema> {
  return { ...termsOf(version), version: version.card.version, at: new Date(version.changedAt).toISOString() };
}

/** `$5 off!` becomes `5-off`; a title without any letter of that alphabet becomes `campaign`. */
export function idFromTitle(title: string): string {
  const id = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, ID_FROM_TITLE_CHARACTERS_MAX)
    .replace(/-+$/, '');
  return id === '' ? 'campaign' : id;
}

/** Leaves room for a number behind it. */
const ID_FROM_TITLE_CHARACTERS_MAX = 32;

function termsOf(campaign: CampaignVersion): Terms {
  const { offer, version: _version, forms: _forms, ...card } = campaign.card;
  return {
    title: offer.title,
    condition: campaign.condition,
    terms: campaign.terms,
    picture: campaign.picture,
    discount: offer.discount,
    promotionRef: offer.promotionRef,
    ...card,
    cap: { ...campaign.cap },
    capPerDay: { ...campaign.capPerDay },
    perCustomer: campaign.perCustomer,
    reversalDays: campaign.reversalDays,
    personalValueMax: campaign.personalValueMax,
    // What is stored came through this schema.
    offline: offlineSchema.parse(campaign.offline),
    barcode: campaign.barcode,
    blanks: campaign.blanks === null ? null : { ...campaign.blanks },
  };
}

type Together = Pick<Terms, 'startsAt' | 'endsAt' | 'timeZone' | 'discount' | 'minimumBasket' | 'cap' | 'capPerDay'>;

function checkTogether(terms: Together, context: z.RefinementCtx): void {
  if (isTimeZone(terms.timeZone)) {
    const { startsAt, endsAt } = validityIn(terms, terms.timeZone);
    if (endsAt <= startsAt) context.addIssue({ code: 'custom', path: ['endsAt'], message: 'must be after the start' });
  }
  if (terms.minimumBasket !== null && terms.minimumBasket.currency !== terms.discount.currency)
    context.addIssue({
      code: 'custom',
      path: ['minimumBasket', 'currency'],
      message: "must be the discount's currency",
    });
  for (const cap of ['cap', 'capPerDay'] as const)
    if ((terms[cap].value ?? Number.POSITIVE_INFINITY) < faceValue(terms.discount))
      context.addIssue({ code: 'custom', path: [cap, 'value'], message: 'is less than one coupon' });
}
