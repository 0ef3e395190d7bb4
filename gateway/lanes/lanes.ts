import type { LaneConfig } from '../config.ts';
import type { Log } from '../log.ts';
import type { After } from './after.ts';
import { Answers, type AnswersPorts } from './answers.ts';
import { discardLog } from './discard-log.ts';
import { makeReader } from './profiles/profile.ts';
import type { Sales } from './sales.ts';
import { type Heard, SILENCE_MS } from './scanner.ts';
import type { OpenSerial, SerialLink } from './serial.ts';
import { Speaker, type SpeakerPorts } from './speaker.ts';

type ScannerSettings = NonNullable<LaneConfig['scanner']>;

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
  /** Milliseconds that only rise. */
  readonly elapsed: () => number;
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
  ports: LanesPorts,
  tell: (status: ScannerStatus) => void,
): SerialLink {
  const { port } = settings;
  const { openSerial, now, elapsed } = ports;
  const asked = {
    check: (raw: string) => sales.scan(lane, raw, 'scanner'),
    discarded: discardLog(lane, log, elapsed),
    failed: (error: unknown) => log.error({ lane, err: error }, 'a scan met a defect'),
  };
  let opening: Opening | null = null;
  let whyAbsent: string | null = null;
  tell({ port, state: 'absent', since: now() });
  const link = openSerial(settings, {
    data: (bytes) => opening?.data(bytes),
    present() {
      whyAbsent = null;
      opening = begin(settings, asked, { ...ports, write: (bytes, deadlineMs) => link.write(bytes, deadlineMs) });
      tell({ port, state: 'present', since: now() });
      log.info({ lane, port }, 'the scanner is there');
    },
    absent(why) {
      if (opening !== null) tell({ port, state: 'absent', since: now() });
      opening?.end();
      opening = null;
      // It is tried again every second: said once, and again where there is another reason.
      if (why !== whyAbsent) log.warn({ lane, port, why }, 'the scanner is not there');
      whyAbsent = why;
    },
  });
  return link;
}

/** What belongs to one opening of the port, and is forgotten with it. */
type Opening = { data(bytes: Uint8Array): void; end(): void };

function begin(
  settings: ScannerSettings,
  asked: Pick<AnswersPorts, 'check' | 'discarded' | 'failed'>,
  { write, elapsed, after }: SpeakerPorts,
): Opening {
  const speaker = new Speaker({ write, elapsed, after });
  const answers = new Answers(settings, { ...asked, speaker, elapsed });
  const reader = makeReader(settings);
  let callOff = () => {};
  const take = (heard: readonly Heard[]) => {
    for (const one of heard) answers.take(one);
  };
  return {
    data(bytes) {
      callOff();
      take(reader.read(bytes));
      if (reader.kept > 0) callOff = after(SILENCE_MS, () => take(reader.silence()));
    },
    end() {
      callOff();
      speaker.end();
    },
  };
}
