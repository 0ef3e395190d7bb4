import { faceValue, type PersonalOffer } from '../../protocol/offer.ts';
import { type OutOfBounds, outOfBounds, ownValue } from '../../protocol/personal-offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Campaign } from './campaign-rules.ts';
import type { CodeRow } from './code-rules.ts';

/** A free code gets terms of its own, once and for good [P13]. */

export type PersonalRefusal =
  | { readonly why: 'unknown_code' }
  /** It is held, reserved, spent or void, or it has an offer of its own already. */
  | { readonly why: 'not_free' | 'has_one' }
  | ({ readonly why: 'out_of_bounds' } & OutOfBounds)
  | { readonly why: 'cap_exceeded' };

/**
 * No store knows the code yet: what its box is granted later has these terms.
 * @returns the code as it is then, and the campaign, whose caps count the code's own value from now on
 */
export function personalise(
  code: CodeRow,
  campaign: Campaign,
  offer: PersonalOffer,
): Result<{ readonly code: CodeRow; readonly campaign: Campaign }, PersonalRefusal> {
  if (code.personal !== null) return err({ why: 'has_one' });
  if (code.state !== 'issued') return err({ why: 'not_free' });
  const out = outOfBounds(campaign.card, offer, campaign.personalValueMax);
  if (out !== null) return err({ why: 'out_of_bounds', ...out });
  const counted = recounted(campaign, offer);
  if (counted === null) return err({ why: 'cap_exceeded' });
  return ok({ code: { ...code, personal: offer, version: code.version + 1 }, campaign: counted });
}

/** @returns null: it would be beyond the cap */
function recounted(campaign: Campaign, offer: PersonalOffer): Campaign | null {
  const value = ownValue(offer);
  if (value === null) return campaign;
  const more = value - faceValue(campaign.card.offer.discount);
  // Issued under a smaller discount it was counted for less: the count never falls below nothing.
  const issuedValue = Math.max(0, campaign.issuedValue + more);
  if (more > 0 && campaign.cap.value !== null && issuedValue > campaign.cap.value) return null;
  return { ...campaign, issuedValue };
}
