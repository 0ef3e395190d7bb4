import { LRC_DEFAULT } from '../../../protocol/register-frame/frame.ts';
import { UNAVAILABLE } from '../../../protocol/register-frame/answer-codes.ts';
import { say } from '../../../protocol/register-frame/answer.ts';
import type { RegisterRequest } from '../../../protocol/register-frame/request.ts';
import type { LaneConfig } from '../../config.ts';
import type { Log } from '../../log.ts';
import type { After } from '../after.ts';
import { type OpenSerial, plainLine } from '../serial.ts';
import { askTill, type DeskPorts, type Outcome } from './desk.ts';
import { makeLink } from './link.ts';
import type { Memory } from './memory-rules.ts';

export type RegisterSettings = NonNullable<LaneConfig['register']>;

/** The longest frame at the slowest baud rate, and as much again. A line that takes no bytes for longer is stuck. */
const WRITE_MS = 10_000;

export type RegisterStatus = {
  readonly port: string;
  /** `not_answering`: three sends of an answer were not acknowledged. */
  readonly state: 'present' | 'absent' | 'not_answering';
  /** Milliseconds. */
  readonly since: number;
};

export interface Registers {
  /** By lane; a lane without a serial register is not in it. */
  statuses(): ReadonlyMap<string, RegisterStatus>;
  stop(): Promise<void>;
}

export type RegistersPorts = DeskPorts & {
  readonly openSerial: OpenSerial;
  readonly now: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  readonly after: After;
};

/** The serial registers of all lanes, each by itself: a second door to the same till. */
export function startRegisters(lanes: readonly LaneConfig[], log: Log, ports: RegistersPorts): Registers {
  const statusByLane = new Map<string, RegisterStatus>();
  const open = lanes.flatMap(({ name, register }) =>
    register === undefined ? [] : [attend(name, register, log, ports, (status) => statusByLane.set(name, status))],
  );
  return {
    statuses: () => statusByLane,
    async stop() {
      await Promise.all(open.map((port) => port.close()));
    },
  };
}

function attend(
  lane: string,
  settings: RegisterSettings,
  log: Log,
  { openSerial, now, elapsed, after, ...desk }: RegistersPorts,
  tell: (status: RegisterStatus) => void,
): { close(): Promise<void> } {
  const { port } = settings;
  let state: RegisterStatus['state'] | null = null;

  function become(next: RegisterStatus['state']): boolean {
    if (state === next) return false;
    state = next;
    tell({ port, state, since: now() });
    return true;
  }

  const link = makeLink(settings.lrc ?? LRC_DEFAULT, {
    write: (bytes) => void device.write(bytes, WRITE_MS),
    ask: (request, memory) => askSafely(request, memory, desk, log, lane),
    after,
    elapsed,
    tell(line) {
      if (line === 'good' && state === 'not_answering') become('present');
      if (line === 'not_answering' && state === 'present' && become(line))
        log.warn({ lane, port }, 'the register does not acknowledge');
    },
  });
  tell({ port, state: 'absent', since: now() });
  const device = openSerial(plainLine(port, settings.baud), {
    data: (bytes) => link.data(bytes),
    present() {
      link.absent();
      if (become('present')) log.info({ lane, port }, "the register's line is there");
    },
    absent(why) {
      link.absent();
      if (become('absent')) log.warn({ lane, port, why }, "the register's line is not there");
    },
  });
  return device;
}

/** A defect at one request leaves its line able to ask again; it is logged, and is not an answer. */
async function askSafely(
  request: RegisterRequest,
  memory: Memory,
  desk: DeskPorts,
  log: Log,
  lane: string,
): Promise<Outcome> {
  try {
    return await askTill(request, memory, desk);
  } catch (error) {
    log.error({ lane, err: error }, "a register's request met a defect");
    return { said: say(UNAVAILABLE, 'TRY AGAIN'), code: null };
  }
}
