import type { LaneConfig } from '../config.ts';
import type { Log } from '../log.ts';
import type { After } from './after.ts';
import type { Sales } from './sales.ts';
import { flush, IDLE_FLUSH_MS, NOTHING_READ, read, type Scan } from './scanner.ts';

export type ScannerSettings = NonNullable<LaneConfig['scanner']>;

/** Opens a serial device and goes on doing so, for ever: what is unplugged comes back. */
export type OpenSerial = (settings: ScannerSettings, told: SerialEvents) => { close(): Promise<void> };

export interface SerialEvents {
  data(bytes: Uint8Array): void;
  present(): void;
  /** Also before it was ever there, and at each attempt in vain. */
  absent(why: string): void;
}

export type ScannerStatus = {
  readonly port: string;
  readonly state: 'present' | 'absent';
  /** Milliseconds. */
  readonly since: number;
};

export interface Lanes {
  /** By lane; a lane without a scanner of its own is not in it. */
  scanners(): ReadonlyMap<string, ScannerStatus>;
  stop(): Promise<void>;
}

export type LanesPorts = {
  readonly openSerial: OpenSerial;
  readonly now: () => number;
  readonly after: After;
};

/** Each lane by itself: one without its device stops no other. */
export function startLanes(lanes: readonly LaneConfig[], sales: Sales, log: Log, ports: LanesPorts): Lanes {
  const statusByLane = new Map<string, ScannerStatus>();
  const links = lanes.flatMap(({ name, scanner }) =>
    scanner === undefined ? [] : [listen(name, scanner, sales, log, ports, (status) => statusByLane.set(name, status))],
  );
  return {
    scanners: () => statusByLane,
    async stop() {
      await Promise.all(links.map((link) => link.close()));
    },
  };
}

function listen(
  lane: string,
  settings: ScannerSettings,
  sales: Sales,
  log: Log,
  { openSerial, now, after }: LanesPorts,
  tell: (status: ScannerStatus) => void,
) {
  const { port } = settings;
  let state: ScannerStatus['state'] | null = null;
  let reading = NOTHING_READ;
  let callOff = () => {};

  function become(next: ScannerStatus['state']): boolean {
    if (state === next) return false;
    state = next;
    tell({ port, state, since: now() });
    return true;
  }

  function hand(scans: readonly Scan[]): void {
    for (const scan of scans) {
      if (scan.kind === 'discard') log.warn({ lane, why: scan.why, bytes: scan.bytes }, 'a scan was discarded');
      else sales.scan(lane, scan.text).catch((error) => log.error({ lane, err: error }, 'a scan met a defect'));
    }
  }

  tell({ port, state: 'absent', since: now() });
  return openSerial(settings, {
    data(bytes) {
      callOff();
      const step = read(reading, bytes);
      reading = step.reading;
      hand(step.scans);
      if (reading.bytes > 0)
        callOff = after(IDLE_FLUSH_MS, () => {
          const scans = flush(reading);
          reading = NOTHING_READ;
          hand(scans);
        });
    },
    present() {
      if (become('present')) log.info({ lane, port }, 'the scanner is there');
    },
    absent(why) {
      // Half a scan and the half of a later one are no scan.
      callOff();
      reading = NOTHING_READ;
      if (become('absent')) log.warn({ lane, port, why }, 'the scanner is not there');
    },
  });
}
