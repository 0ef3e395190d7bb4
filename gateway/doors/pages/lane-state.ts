import type { LaneView } from '../../lanes/lane.ts';
import type { SuspendedView } from '../../lanes/suspended-sales.ts';
import type { LineView } from './banners.ts';
import type { Locale } from './locale.ts';

/** All that a lane's page shows, at one moment. */
export type LaneState = {
  readonly store: string;
  readonly lane: LaneView;
  readonly suspended: readonly SuspendedView[];
  readonly line: LineView;
  /** Of a sale without a total and without coupons. */
  readonly currency: string;
  /** A box token opened this page: it needs no PIN to begin a training. */
  readonly isBox: boolean;
  readonly now: number;
  readonly locale: Locale;
};
