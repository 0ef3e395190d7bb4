import type { Decision } from '../../protocol/redemption-api.ts';

/** Where a code was read: by the box's own scanner, or on the lane page. */
export type ScanOrigin = 'scanner' | 'page';

/** A scan at a lane, then what was decided of it. `scan` counts the scans of that lane since the start. */
export type ScanEvent =
  | {
      readonly kind: 'scan';
      readonly scan: number;
      /** In full, as it must be redeemed. */
      readonly code: string;
      readonly at: number;
      readonly origin: ScanOrigin;
    }
  | {
      readonly kind: 'decision';
      readonly scan: number;
      readonly code: string;
      /** Null: this box could not read or write its own store, so nothing is known. */
      readonly decision: Decision | null;
    };

/** What a scanner can say of a decision. `redeemed`: this very sale has redeemed it before. `silent`: it is no coupon. */
export type ScanOutcome = 'approved' | 'redeemed' | 'refused' | 'unsure' | 'silent';

export function outcomeOf(decision: Decision | null): ScanOutcome {
  switch (decision?.decision) {
    case 'approved':
      return decision.redemption === null ? 'approved' : 'redeemed';
    case 'refused':
      return decision.reason === 'not_a_coupon' ? 'silent' : 'refused';
    case 'undetermined':
    case undefined:
      return 'unsure';
  }
}
