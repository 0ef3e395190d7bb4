import type { Money } from '../../protocol/money.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { type Till, TillUnavailable } from '../till/port.ts';
import type { ScanEvent, ScanOrigin, ScanOutcome } from './scan-event.ts';
import { Lane, type LanePorts, type LaneView } from './lane.ts';
import { type SaleNumbers, saleId } from './sale-numbers.ts';
import { SuspendedSales, type SuspendedView } from './suspended-sales.ts';
import { Trainings } from './trainings.ts';

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
  /** The sales that wait to be gone on with, at any lane; the newest first. */
  suspended(): readonly SuspendedView[];
  /** @throws TillUnavailable where it cannot be written down */
  noteWrongPin(lane: string): void;

  // Steps of one lane are done one after the other, in the order in which they came. They resolve when they are done.
  /** In its lane's queue when it returns. @returns as soon as it is decided. It does not throw where the till cannot answer */
  scan(lane: string, code: string, origin?: ScanOrigin): Promise<ScanOutcome>;
  setTotal(lane: string, total: Money | null): Promise<void>;
  redeem(lane: string): Promise<void>;
  /** A register redeemed by itself what may be of that lane's sale. */
  sold(lane: string, basket: string, codes: readonly string[], decisions: readonly Decision[]): Promise<void>;
  giveBack(lane: string): Promise<void>;
  undo(lane: string): Promise<void>;
  next(lane: string): Promise<void>;
  again(lane: string): Promise<void>;
  suspend(lane: string): Promise<void>;
  resume(lane: string, basket: string): Promise<void>;
  mistyped(lane: string): Promise<void>;
  supervise(lane: string, supervisor: string): Promise<void>;
  choose(lane: string, choice: 'finish_without' | 'try_again'): Promise<void>;
  beginTraining(lane: string, by: string): Promise<void>;
  endTraining(lane: string): Promise<void>;
}

export function openSales(ports: LanePorts): Sales {
  const { memory, now, log } = ports;
  const suspended = new SuspendedSales(memory.suspended, now, log);
  const shared = { ...ports, suspended, trainings: new Trainings(memory.trainings, now) };
  const lanesByName = new Map<string, Lane>();
  const laneOf = (name: string): Lane => {
    const lane = lanesByName.get(name) ?? new Lane(name, shared);
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
    // A lane that nobody has looked at has no sale.
    sold: async (name, ...sold) => lanesByName.get(name)?.sold(...sold),
    giveBack: (name) => laneOf(name).giveBack(),
    undo: (name) => laneOf(name).undo(),
    next: (name) => laneOf(name).next(),
    again: (name) => laneOf(name).again(),
    suspended: () => suspended.list(),
    noteWrongPin: (name) => laneOf(name).noteWrongPin(),
    suspend: (name) => laneOf(name).suspend(),
    resume: (name, basket) => laneOf(name).resume(basket),
    mistyped: (name) => laneOf(name).mistyped(),
    supervise: (name, supervisor) => laneOf(name).supervise(supervisor),
    choose: (name, choice) => laneOf(name).choose(choice),
    beginTraining: (name, by) => laneOf(name).beginTraining(by),
    endTraining: (name) => laneOf(name).endTraining(),
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
