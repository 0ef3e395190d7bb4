import type { Money } from '../../protocol/money.ts';
import { type Till, TillUnavailable } from '../till/port.ts';
import type { ScanEvent, ScanOrigin, ScanOutcome } from './scan-event.ts';
import { Lane, type LanePorts, type LaneView, type SaleNumbers, saleId } from './lane.ts';

/** The open sale of each lane. Whoever looks at a lane, on whichever device, sees the same one. */
export interface Sales {
  /** Opens a sale where none is open. @throws TillUnavailable where its number cannot be written */
  view(lane: string): LaneView;
  /** @returns what ends the watch */
  watch(lane: string, changed: () => void): () => void;
  /** Each scan there and its decision, from now on, with the codes in full. @returns what ends it */
  follow(lane: string, told: (event: ScanEvent) => void): () => void;
  /** Every lane that was looked at or scanned at since the start, and when a code last came there. */
  lanes(): readonly { readonly name: string; readonly lastScanAt: number | null }[];

  // Steps of one lane are done one after the other, in the order in which they came. They resolve when they are done.
  /** In its lane's queue when it returns. @returns as soon as it is decided. It does not throw where the till cannot answer */
  scan(lane: string, code: string, origin?: ScanOrigin): Promise<ScanOutcome>;
  setTotal(lane: string, total: Money | null): Promise<void>;
  redeem(lane: string): Promise<void>;
  giveBack(lane: string): Promise<void>;
  undo(lane: string): Promise<void>;
  next(lane: string): Promise<void>;
  again(lane: string): Promise<void>;
}

export function openSales(ports: LanePorts): Sales {
  const lanesByName = new Map<string, Lane>();
  const laneOf = (name: string): Lane => {
    const lane = lanesByName.get(name) ?? new Lane(name, ports);
    lanesByName.set(name, lane);
    return lane;
  };
  return {
    view: (name) => laneOf(name).view(),
    watch: (name, changed) => laneOf(name).watch(changed),
    follow: (name, told) => laneOf(name).follow(told),
    lanes: () => [...lanesByName.values()].map(({ name, lastScanAt }) => ({ name, lastScanAt })),
    scan: (name, code, origin = 'page') => laneOf(name).scan(code, origin),
    setTotal: (name, total) => laneOf(name).setTotal(total),
    redeem: (name) => laneOf(name).redeem(),
    giveBack: (name) => laneOf(name).giveBack(),
    undo: (name) => laneOf(name).undo(),
    next: (name) => laneOf(name).next(),
    again: (name) => laneOf(name).again(),
  };
}

/**
 * After a restart no lane knows its sale any more: what it held is let go of, or the next scan of it would hear 'in use'
 * for a quarter of an hour.
 */
export async function leaveLastSales(
  till: Pick<Till, 'leave' | 'status'>,
  numbers: Pick<SaleNumbers, 'last'>,
  log: LanePorts['log'],
): Promise<void> {
  const { id } = till.status().store;
  for (const { lane, ...number } of numbers.last()) {
    try {
      await till.leave(saleId(id, lane, number).basket);
    } catch (error) {
      if (!(error instanceof TillUnavailable)) throw error;
      log.warn({ lane }, 'the coupons of the last sale stay in use until their time is over');
    }
  }
}
