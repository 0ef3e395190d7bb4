import type { Reader } from '../scanner.ts';
import { lineReader } from './line.ts';
import { magellanReader } from './magellan.ts';
import { OPERATION, ssiPacket, ssiReader } from './ssi.ts';
import { stxEtxReader } from './stx-etx.ts';

export type ProfileSettings = {
  readonly profile: 'line' | 'stx-etx' | 'magellan' | 'ssi';
  /** Of `stx-etx`: a check byte follows. */
  readonly lrc: boolean;
  readonly ack: 'none' | '06';
};

/** For one opening of the port: half a scan and the half of a later one are no scan. */
export function makeReader({ profile, lrc }: ProfileSettings): Reader {
  switch (profile) {
    case 'line':
      return lineReader();
    case 'stx-etx':
      return stxEtxReader(lrc);
    case 'magellan':
      return magellanReader();
    case 'ssi':
      return ssiReader();
  }
}

/** What tells a scanner that its label was taken, or was not. `ssi` always does. Null: it waits for nothing. */
export function acknowledgementOf({ profile, ack }: ProfileSettings): Acknowledgement | null {
  if (profile === 'ssi') return SSI;
  return ack === '06' ? BYTES : null;
}

type Acknowledgement = { readonly taken: Uint8Array; readonly notTaken: Uint8Array };

const BYTES: Acknowledgement = { taken: Uint8Array.of(0x06), notTaken: Uint8Array.of(0x15) };
/** Cause 1: send it again. */
const SSI: Acknowledgement = {
  taken: ssiPacket(OPERATION.acknowledged),
  notTaken: ssiPacket(OPERATION.notAcknowledged, [0x01]),
};
