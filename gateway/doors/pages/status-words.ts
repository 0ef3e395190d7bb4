import type { Drill } from '../../cloud-link/drill.ts';
import type { ScannerStatus } from '../../lanes/lanes.ts';
import type { RegisterStatus } from '../../lanes/register/registers.ts';
import type { BlanksHeld } from '../../till/blanks-held.ts';
import type { TillStatus } from '../../till/port.ts';
import type { Shape } from '../../../protocol/pages/shapes.ts';
import type { Times } from '../../../protocol/pages/times.ts';

/** What a box knows of itself. Instants and durations in milliseconds. */
export type BoxFacts = {
  readonly till: TillStatus;
  /** By campaign. */
  readonly blanks: readonly BlanksHeld[];
  readonly drill: Drill | null;
  readonly lanes: readonly LaneFacts[];
  /** Of the data directory's device; null: it cannot be asked. */
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null;
  /** When the oldest entry was made that the cloud has not acknowledged; null: all is settled, or it is not known. */
  readonly startedAt: number;
};

export type LaneFacts = {
  readonly name: string;
  /** Null: one types into the lane's page. */
  readonly scanner: ScannerStatus | null;
  /** Left out: its register is on no serial line. */
  readonly register?: RegisterStatus | undefined;
  readonly lastScanAt: number | null;
};

export type Verdict = {
  readonly look: 'good' | 'plain' | 'offline' | 'refused';
  readonly shape: Shape;
  readonly word: string;
  readonly why: string;
  readonly stub: { readonly count: number; readonly lines: readonly string[] };
};

export type Check = {
  readonly name: string;
  readonly state: 'good' | 'look' | 'broken';
  readonly found: string;
  /** What is not good has one remedy. */
  readonly remedy: string | null;
};

/** Under this a power cut may find no room for what was redeemed. */
const DISK_FREE_BYTES_MIN = 256 * 1024 * 1024;

/** The state of a box in one sentence; what stops it comes before what only changes how it works. */
export function verdictOf(facts: BoxFacts, times: Times): Verdict {
  const { till, drill } = facts;
  const toDo = checksOf(facts, times).filter((check) => check.state !== 'good').length;
  const things = { count: toDo, lines: [toDo === 1 ? 'thing to do' : 'things to do'] };
  const left = { count: till.holding, lines: heldLines('coupons left', till, times) };
  const trouble = { look: 'refused', shape: 'refused', stub: things } as const;
  switch (till.state) {
    case 'starting':
      return {
        ...trouble,
        look: 'plain',
        shape: 'unsure',
        word: 'This box is starting',
        why: 'Its journal is being checked. Lanes show “cannot verify” until then.',
      };
    case 'disagreement':
      return {
        ...trouble,
        word: 'This box does not answer',
        why: 'Its journal and its witness do not agree. Lanes show “cannot verify”. Nothing can be used twice.',
      };
    case 'fenced':
      return {
        ...trouble,
        word: 'This box does not answer',
        why: 'The cloud has shut it out. Lanes show “cannot verify”. Nothing can be used twice.',
      };
    case 'validated':
      break;
  }
  if (isDiskFull(facts))
    return { ...trouble, word: 'The disk is nearly full', why: 'When it is full, lanes show “cannot verify”.' };
  if (drill !== null)
    return {
      look: 'offline',
      shape: 'down',
      word: 'Drill running',
      why: `Started ${times.clock(drill.since)} by box token “${drill.by}”. Lanes work as in an outage.`,
      stub: left,
    };
  if (till.line.state === 'down')
    return {
      look: 'offline',
      shape: 'down',
      word: `Line down since ${times.short(till.line.since)}`,
      why: 'Lanes go on with the coupons held here. The box calls the cloud by itself.',
      stub: left,
    };
  const why = `${lanesWord(facts.lanes)} ${till.backlog === 0 ? 'All is settled.' : `${till.backlog} not yet settled.`}`;
  if (till.holding === 0)
    return {
      look: 'plain',
      shape: 'up',
      word: 'Line up, nothing held',
      why: `${why} No coupons are held here, so an outage would find none.`,
      stub: { count: 0, lines: ['coupons held here'] },
    };
  const stub = { count: till.holding, lines: heldLines(till.holding === 1 ? 'coupon' : 'coupons', till, times) };
  return { look: 'good', shape: 'good', word: 'Ready for an outage', why, stub };
}

/** What is not good first. */
export function checksOf(facts: BoxFacts, times: Times): Check[] {
  const checks = [
    journalCheck(facts.till),
    lineCheck(facts, times),
    diskCheck(facts),
    clockCheck(facts.till),
    ...laneChecks(facts, times),
    ...registerChecks(facts, times),
  ];
  const rank = { broken: 0, look: 1, good: 2 };
  return checks.sort((one, other) => rank[one.state] - rank[other.state]);
}

function journalCheck({ state, head }: TillStatus): Check {
  const name = 'Journal';
  switch (state) {
    case 'validated':
      return good(name, `${head.n.toLocaleString('en-US')} entries in epoch ${head.epoch}. Agrees with its witness.`);
    case 'starting':
      return {
        name,
        state: 'look',
        found: 'It is being compared with its witness.',
        remedy: 'Wait a moment. The box goes on by itself.',
      };
    case 'disagreement':
      return {
        name,
        state: 'broken',
        found: 'It does not agree with its witness, or the witness is missing.',
        remedy: 'Bring the witness back as it was, and restart. If it is lost, call operations.',
      };
    case 'fenced':
      return {
        name,
        state: 'broken',
        found: 'The cloud has shut this box out. It uploads what it knows and decides nothing.',
        remedy: 'Call operations.',
      };
  }
}

function lineCheck({ till, drill }: BoxFacts, times: Times): Check {
  const name = 'Line';
  if (drill !== null) return good(name, `Cut on purpose until ${times.clock(drill.until)}.`);
  if (till.line.state === 'up') return good(name, `Up since ${times.short(till.line.since)}.`);
  const found = `No answer from the cloud since ${times.short(till.line.since)}.`;
  return { name, state: 'look', found, remedy: 'Is the router on? Do other boxes on this network reach the internet?' };
}

function diskCheck(facts: BoxFacts): Check {
  const name = 'Disk';
  if (facts.disk === null)
    return { name, state: 'look', found: 'Free space is not known.', remedy: 'Check the data directory by hand.' };
  const found = `${bytesWord(facts.disk.freeBytes)} free of ${bytesWord(facts.disk.totalBytes)}.`;
  return isDiskFull(facts)
    ? { name, state: 'broken', found, remedy: 'Free some space. The box goes on by itself.' }
    : good(name, found);
}

function clockCheck({ clock }: TillStatus): Check {
  const name = 'Clock';
  if (clock.proven)
    return good(
      name,
      `Proven by the cloud to ${(Math.ceil((clock.latest - clock.earliest) / 100) / 10).toFixed(1)} s.`,
    );
  return {
    name,
    state: 'look',
    found: 'Not proven since the start.',
    remedy: 'Bring the line up once. The cloud tells the time.',
  };
}

function laneChecks({ lanes }: BoxFacts, times: Times): Check[] {
  return lanes.flatMap(({ name, scanner }) =>
    scanner?.state === 'absent'
      ? [
          {
            name: `Lane ${name}`,
            state: 'look' as const,
            found: `No scanner at ${scanner.port} since ${times.short(scanner.since)}.`,
            remedy: 'Plug it in again, at the same port.',
          },
        ]
      : [],
  );
}

function registerChecks({ lanes }: BoxFacts, times: Times): Check[] {
  return lanes.flatMap(({ name, register }): Check[] => {
    if (register === undefined || register.state === 'present') return [];
    const since = times.short(register.since);
    const isAbsent = register.state === 'absent';
    return [
      {
        name: `Lane ${name}`,
        state: 'look',
        found: isAbsent
          ? `No register at ${register.port} since ${since}.`
          : `The register at ${register.port} has not acknowledged an answer since ${since}.`,
        remedy: isAbsent
          ? 'Plug it in again, at the same port.'
          : 'Check its cable and that both ends have the same check byte and rate.',
      },
    ];
  });
}

const good = (name: string, found: string): Check => ({ name, state: 'good', found, remedy: null });

function isDiskFull({ disk }: BoxFacts): boolean {
  return disk !== null && disk.freeBytes < DISK_FREE_BYTES_MIN;
}

function lanesWord(lanes: readonly LaneFacts[]): string {
  const missing = lanes.filter(({ scanner }) => scanner?.state === 'absent').map(({ name }) => name);
  if (missing.length === 0) return 'Every lane works.';
  return missing.length === 1 ? `Lane ${missing[0]} has no scanner.` : `Lanes ${missing.join(', ')} have no scanner.`;
}

function heldLines(what: string, { holdsUntil }: TillStatus, times: Times): string[] {
  return holdsUntil === null ? [what] : [`${what}, until`, times.withDay(holdsUntil)];
}

function bytesWord(bytes: number): string {
  const gigabytes = bytes / 1e9;
  return gigabytes >= 10 ? `${Math.round(gigabytes)} GB` : `${gigabytes.toFixed(1)} GB`;
}
