/** A serial line as the programs of this box use it: a device by its name, opened and kept open for ever. */

export type SerialSettings = {
  /** A device, as `/dev/serial/by-id/…`. A link is followed anew at each opening. */
  readonly port: string;
  readonly baud: number;
  readonly data: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stop: 1 | 2;
};

/** What registers speak, and most else: eight bits, no parity, one stop bit. */
export const plainLine = (port: string, baud: number): SerialSettings => ({
  port,
  baud,
  data: 8,
  parity: 'none',
  stop: 1,
});

export interface SerialEvents {
  /** In the pieces in which they came: a frame may be cut anywhere. Only between `present` and `absent`. */
  data(bytes: Uint8Array): void;
  /** It is open. What was written before is gone: nothing waits for an opening. */
  present(): void;
  /** At a loss, and at each attempt in vain. @param why one sentence, the same as long as nothing changes */
  absent(why: string): void;
}

export interface SerialLink {
  /**
   * To an open port or not at all: nothing is kept for the next opening.
   * @returns false where it is not open, or has not taken the bytes in time; it is opened anew then
   */
  write(bytes: Uint8Array, deadlineMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens a device and goes on doing so, for ever: what is unplugged comes back. */
export type OpenSerial = (settings: SerialSettings, told: SerialEvents) => SerialLink;
