import { after } from '../../gateway/lanes/after.ts';
import { plainLine } from '../../gateway/lanes/serial.ts';
import { openSerial } from '../../gateway/lanes/serial-port.ts';
import type { LrcOptions } from '../../protocol/register-frame/frame.ts';
import type { Clock } from './wire.ts';

const CLOCK: Clock = { after, elapsed: () => performance.now() };

/** Long enough for an adapter that was just plugged in. */
const OPEN_WITHIN_MS = 3_000;

/** @param make what reads and writes there @returns null where the device cannot be opened */
export async function openDevice<T extends { data(bytes: Uint8Array): void }>(
  port: string,
  { baud, lrc }: { readonly baud: number; readonly lrc: LrcOptions },
  make: (write: (bytes: Uint8Array) => void, lrc: LrcOptions, clock: Clock) => T,
): Promise<{ end: T; close(): Promise<void> } | null> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const end = make((bytes) => void device.write(bytes, OPEN_WITHIN_MS), lrc, CLOCK);
  const device = openSerial(plainLine(port, baud), {
    data: (bytes) => end.data(bytes),
    present: () => resolve(true),
    absent: () => {},
  });
  const callOff = after(OPEN_WITHIN_MS, () => resolve(false));
  const isOpen = await promise;
  callOff();
  if (isOpen) return { end, close: () => device.close() };
  await device.close();
  return null;
}
