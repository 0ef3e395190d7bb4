import type { Ledger } from '../ledger/port.ts';
import type { CouponTerms } from './faces.ts';
import type { Coupon } from './port.ts';

/** What one coupon gives, as it stands now. */
export async function termsOf(ledger: Pick<Ledger, 'campaign'>, coupon: Coupon): Promise<CouponTerms> {
  const campaign = await ledger.campaign(coupon.campaign);
  if (campaign === null) throw new Error(`the campaign ${coupon.campaign} is missing`);
  const { card, condition, terms, picture, barcode } = campaign;
  return { card, condition, terms, picture, barcode, changedAt: null };
}
