import type { ScanOutcome } from './scan-event.ts';
import { OPERATION, ssiPacket } from './profiles/ssi.ts';

export type FeedbackKind = 'none' | 'bel' | 'datalogic' | 'honeywell' | 'ssi';

/** What goes out, and how long after the first. */
export type Signal = { readonly atMs: number; readonly bytes: Uint8Array };

/** Later than this after the scan's last byte a beep is taken for the answer to the next scan. */
export const FRESH_MS = 2_000;

/**
 * How a scanner says a decision. Nothing where all of it could not be out while it is fresh: half of 'refused' is another
 * answer. What is no coupon makes no sound.
 * @param ageMs since the scan's last byte
 */
export function feedbackFor(kind: FeedbackKind, outcome: ScanOutcome, ageMs: number): readonly Signal[] {
  const signals = SIGNALS[kind][outcome === 'redeemed' ? 'approved' : outcome];
  return ageMs + lengthOf(signals) <= FRESH_MS ? signals : [];
}

/** From the first byte to the last. */
export const lengthOf = (signals: readonly Signal[]): number => signals.at(-1)?.atMs ?? 0;

type Sounds = Record<Exclude<ScanOutcome, 'redeemed'>, readonly Signal[]>;

const BEEP_EVERY_MS = 150;
/** A scanner acknowledges one packet before the next. */
const PACKET_EVERY_MS = 100;
const LED_MS = 400;
/** Beeps of SSI: one short high, three short high, two long low. */
const SSI_BEEP = { oneHigh: 0x00, threeHigh: 0x02, twoLow: 0x10 } as const;
const SSI_LED = [0x01];

const at = (atMs: number, ...bytes: number[]): Signal => ({ atMs, bytes: Uint8Array.of(...bytes) });
const packet = (atMs: number, operation: number, data: readonly number[]): Signal => ({
  atMs,
  bytes: ssiPacket(operation, data),
});

const SIGNALS: Readonly<Record<FeedbackKind, Sounds>> = {
  none: { approved: [], refused: [], unsure: [], silent: [] },
  // Zebra's 'beep on BEL'.
  bel: {
    approved: [at(0, 0x07)],
    refused: [at(0, 0x07), at(BEEP_EVERY_MS, 0x07), at(2 * BEEP_EVERY_MS, 0x07)],
    unsure: [at(0, 0x07), at(BEEP_EVERY_MS, 0x07)],
    silent: [],
  },
  // `B` beeps, `F` sounds 'not on file'.
  datalogic: { approved: [at(0, 0x42)], refused: [at(0, 0x46)], unsure: [at(0, 0x46, 0x46)], silent: [] },
  // The scanner waits for one of these before it reads again, so that silence is an answer too: the green light alone.
  honeywell: {
    approved: [at(0, 0x1b, 0x37, 0x2c)],
    refused: [at(0, 0x1b, 0x38, 0x2c, 0x1b, 0x38, 0x2c)],
    unsure: [at(0, 0x1b, 0x34, 0x2c, 0x1b, 0x38, 0x2c)],
    silent: [at(0, 0x1b, 0x31, 0x2c)],
  },
  ssi: {
    approved: [packet(0, OPERATION.beep, [SSI_BEEP.oneHigh])],
    refused: [packet(0, OPERATION.beep, [SSI_BEEP.twoLow])],
    unsure: [
      packet(0, OPERATION.ledOn, SSI_LED),
      packet(PACKET_EVERY_MS, OPERATION.beep, [SSI_BEEP.threeHigh]),
      packet(LED_MS, OPERATION.ledOff, SSI_LED),
    ],
    silent: [],
  },
};
