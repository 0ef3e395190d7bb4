/**
 * The coupons of industry schemes: GS1's (8112), a digital coupon against an offer file; (8110), the North American
 * paper coupon; (255), the Global Coupon Number; `ean`, EAN-13 with 981, 982 or 99 in front; `upc`, UPC-A with 5.
 */
export type Scheme = '8112' | '8110' | '255' | 'ean' | 'upc';

/** A coupon of an industry scheme. `serial` null: the same barcode on many coupons, never single-use. */
export type Coupon = {
  readonly kind: 'coupon';
  readonly scheme: Scheme;
  /** One text for one coupon, whichever way it was scanned: `(8112)…`, `(8110)…`, `(255)…`, `EAN …`, `UPC …`. Printable ASCII, 76 characters at most. */
  readonly normal: string;
  readonly serial: string | null;
  readonly says: CouponSays;
};

/** Looks like such a coupon and breaks its rules. `why` is for logs and people. */
export type Malformed = { readonly kind: 'malformed'; readonly scheme: Scheme; readonly why: string };

/** Recognised and answered, not expanded. `coupons` are normal forms where they can be told, else empty. */
export type Several = {
  readonly kind: 'several';
  readonly form: 'fetch_code' | 'bundle' | 'concatenated';
  readonly coupons: readonly string[];
};

/** What the barcode itself tells; the rest is in an offer file elsewhere. Digits stand as the barcode has them. */
export type CouponSays = {
  /** Who pays: company prefix, funder or issuer number; null where it cannot be parted from the offer. */
  readonly funder: string | null;
  readonly offer: string;
  readonly value: CouponValue | null;
  readonly purchase: Purchase | null;
  /** The only retailer who takes it: company prefix or location number. */
  readonly retailer: string | null;
  /** First and last day, YYMMDD; it is good to the end of the last one, by the store's clock. dayOf gives the year. */
  readonly startsOn: string | null;
  readonly endsOn: string | null;
};

export type CouponValue =
  /** 500 with 2 decimals is 5.00. `currency` is ISO 4217's number (`978`); null: the money of the place. */
  | {
      readonly kind: 'amount';
      readonly of: 'items' | 'sale';
      readonly amount: number;
      readonly decimals: number;
      readonly currency: string | null;
    }
  /** 125 with 1 decimal is 12.5 %. */
  | { readonly kind: 'percent'; readonly percent: number; readonly decimals: number }
  /** One item free, up to this price in hundredths; null: whatever it costs. */
  | { readonly kind: 'free_item'; readonly upTo: number | null }
  | { readonly kind: 'free_items'; readonly items: number }
  | { readonly kind: 'points'; readonly points: number };

/** What must be bought. One requirement to three; `rule` says how they join, null for a single one. */
export type Purchase = {
  readonly rule: 'any' | 'all' | 'first_and_another' | 'unknown' | null;
  readonly requirements: readonly Requirement[];
};

/** `quantity` counts what `of` names; money in hundredths, weights as the barcode has them. `family` is the maker's own family code. */
export type Requirement = {
  readonly of: 'items' | 'spend_on_items' | 'spend_on_sale' | 'pounds' | 'kilograms' | 'nothing';
  readonly quantity: number;
  readonly company: string;
  readonly family: string;
};

/** A coupon of which the barcode tells no more than who and which offer. */
export const saysOnly = (funder: string | null, offer: string): CouponSays => ({
  funder,
  offer,
  value: null,
  purchase: null,
  retailer: null,
  startsOn: null,
  endsOn: null,
});
