import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConnectionEvents, Dial } from '../../gateway/cloud-link/connection.ts';
import type { Drill } from '../../gateway/cloud-link/drill.ts';
import { Link } from '../../gateway/cloud-link/link.ts';
import { type Till, TillUnavailable } from '../../gateway/till/port.ts';
import { makeKeyPair, openUp, readPrivateKey, readPublicKey, seal } from '../../protocol/envelope.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import type { Down, Header, UpBody } from '../../protocol/messages.ts';
import { codeHashSchema } from '../../protocol/reservation.ts';

const GATEWAY = 'gw-0123456789abcdef';
const header = { id: 'message-1', gateway: GATEWAY, incarnation: `1-${'a'.repeat(32)}`, epoch: 1, bootId: 0 };
const boxPair = makeKeyPair();
const cloudPair = makeKeyPair();
const strangerPair = makeKeyPair();
const cloudKey = { id: 'cloud-key', key: readPrivateKey(cloudPair.privatePem) };
const pinned = readPublicKey(cloudPair.publicKey);
const boxKey = readPublicKey(boxPair.publicKey);
const beat = (id: string): Down => ({ type: 'beat', body: { beat: id, now: 1 } });
const sealed = (message: Down, as: Partial<Header> = {}, by = cloudKey) =>
  seal('down', { ...header, ...as }, message, by);

type Call = Parameters<Dial>[0] & {
  events: ConnectionEvents;
  sent: { topic: string; type: string; body: unknown }[];
  closed: boolean;
};

let calls: Call[];
let received: string[];
let line: string[];
let logged: string[];
let drill: Drill | null;
let journal: UpBody<'journal'> | null;
let receive: (message: Down) => Promise<void>;
let link: Link;

const dial: Dial = (call, events) => {
  const made: Call = { ...call, events, sent: [], closed: false };
  calls.push(made);
  return {
    publish(topic, message) {
      const opened = openUp(message, () => boxKey);
      if (!opened.ok) throw new Error(opened.error);
      made.sent.push({ topic, ...opened.value.message });
    },
    async close() {
      made.closed = true;
    },
  };
};

const codeHash = codeHashSchema.parse('a'.repeat(64));
const part = (from: number, evidence = false): UpBody<'journal'> => ({
  epoch: 1,
  from,
  entries: [{ kind: 'returned', reservation: 'res-00001', codeHash, generation: 0, why: 'end' }],
  before: GENESIS_HASH,
  head: { epoch: 1, n: from, hash: GENESIS_HASH },
  evidence,
});

const unawaited = (from: number): UpBody<'journal'> => ({
  ...part(from),
  entries: [{ kind: 'time', at: 1, cause: 'anchor' }],
});

const unused = () => {
  throw new Error('the link asks nothing else');
};
const till: Till = {
  ...{ validate: unused, redeem: unused, reverse: unused, release: unused, basket: unused, history: unused },
  ...{ leave: unused, issue: unused },
  ...{ tick: unused, state: unused, status: unused, close: unused },
  receive: (_header, message) => receive(message),
  lineIs: (state) => void line.push(state),
  sender: () => ({ gateway: GATEWAY, incarnation: header.incarnation, epoch: 1, bootId: 7 }),
  hello: () => ({ nonce: 'nonce-01', version: '1' }),
  unsettled: () => journal,
  heartbeat: () => ({
    ...{ beat: 'beat-0001', head: { epoch: 1, n: 0, hash: GENESIS_HASH }, acknowledged: 0, holding: 0 },
    ...{ inUse: 0, backlog: 0, timeProven: false, version: '1' },
  }),
  holdings: () => [
    { sync: 'sync-0001', part: 0, parts: 1, floor: 0, head: { epoch: 1, n: 0, hash: GENESIS_HASH }, holdings: [] },
  ],
};

beforeEach(() => {
  vi.useFakeTimers();
  [calls, received, line, logged, drill, journal] = [[], [], [], [], null, null];
  receive = async (message) => {
    received.push(message.type === 'beat' ? message.body.beat : message.type);
    if (message.type === 'welcome') link.welcomed();
  };
  link = makeLink();
});
afterEach(async () => {
  await link.stop();
  vi.useRealTimers();
});

function makeLink(): Link {
  const note = (fields: object, text: string) => void logged.push(`${text} ${JSON.stringify(fields)}`);
  return new Link({
    address: { shard: 5, gateway: GATEWAY },
    key: { id: 'box-key-1', key: readPrivateKey(boxPair.privatePem) },
    cloudKey: (id) => (id === cloudKey.id ? pinned : null),
    dial,
    drills: {
      load: (now) => (drill !== null && drill.until > now ? drill : null),
      save: (next) => {
        drill = next;
      },
    },
    now: () => Date.now(),
    elapsed: () => Date.now(),
    random: () => 0.5,
    newId: () => 'message-1',
    log: { info: note, warn: note, error: note },
  });
}

function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length > 1) throw new Error(`${list.length} instead of one`);
  return first;
}

const welcome: Down = {
  type: 'welcome',
  body: {
    challenge: 'challenge-1',
    epoch: 1,
    acknowledged: { epoch: 1, n: 0, hash: GENESIS_HASH },
    now: 1,
    keys: [{ id: cloudKey.id, publicKey: cloudPair.publicKey }],
    cards: [],
  },
};

async function started(): Promise<Call> {
  link.start(till);
  await vi.advanceTimersByTimeAsync(0);
  return only(calls);
}

async function up(): Promise<Call> {
  const call = await started();
  call.events.opened();
  await call.events.received(sealed(welcome));
  return call;
}

async function grow(isAwaited = true): Promise<void> {
  link.journalGrew(isAwaited);
  await vi.advanceTimersByTimeAsync(0);
}

const types = (call: Call) => call.sent.map(({ type }) => type);

describe('the link', () => {
  test('says online and hello on every connection, and only a welcome makes the line count as up', async () => {
    const call = await started();
    expect(call.subscribe).toBe(`tearline/v1/5/${GATEWAY}/down`);
    call.events.opened();
    expect(call.sent.map(({ topic, type }) => [topic.split('/').at(-1), type])).toEqual([
      ['presence', 'presence'],
      ['up', 'hello'],
    ]);
    expect(line).toEqual(['down']);
    await call.events.received(sealed(welcome));
    expect(line).toEqual(['down', 'up']);
    expect(types(call).slice(2)).toEqual(['heartbeat', 'sync']);
  });

  test('leaves a sealed last will: offline', async () => {
    const { will } = await started();
    const opened = openUp(will?.message ?? new Uint8Array(), () => boxKey);
    expect(will?.topic).toBe(`tearline/v1/5/${GATEWAY}/presence`);
    expect(opened).toMatchObject({
      ok: true,
      value: {
        header: { gateway: GATEWAY, bootId: 7 },
        message: { type: 'presence', body: { online: false, drillUntil: null } },
      },
    });
  });

  test('sends nothing while it is not connected, and says so', async () => {
    const message = { type: 'stock', body: { request: 'request-1', holding: 0 } } as const;
    expect(link.send(message)).toBe(false);
    const call = await started();
    expect(link.send(message)).toBe(false);
    call.events.opened();
    expect(link.send(message)).toBe(true);
    call.events.closed('gone');
    expect(link.send(message)).toBe(false);
    expect(types(call)).toEqual(['presence', 'hello', 'stock']);
  });

  test('dials anew after a loss, and does not hear what an old connection still says', async () => {
    const old = await up();
    old.events.closed('gone');
    expect(line).toEqual(['down', 'up', 'down']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls).toHaveLength(2);
    await old.events.received(sealed(beat('late-beat')));
    old.events.closed('gone again');
    expect(received).toEqual(['welcome']);
    calls[1]?.events.opened();
    expect(calls[1]?.sent.map(({ type }) => type)).toEqual(['presence', 'hello']);
  });
});

describe('what comes in', () => {
  test.each([
    ['not an envelope', 'not_an_envelope', Buffer.from('hello')],
    [
      'a forged signature',
      'bad_signature',
      sealed(beat('beat-0001'), {}, { id: cloudKey.id, key: readPrivateKey(strangerPair.privatePem) }),
    ],
    [
      'a key that is not pinned',
      'unknown_key',
      sealed(beat('beat-0001'), {}, { id: 'other-key', key: readPrivateKey(strangerPair.privatePem) }),
    ],
    [
      'a changed byte',
      'bad_signature',
      Buffer.from(sealed(beat('beat-0001')).toString().replace('beat-0001', 'beat-0002')),
    ],
    ['for another box', 'other_gateway', sealed(beat('beat-0001'), { gateway: 'gw-ffffffffffffffff' })],
    [
      'one of our own, sent back',
      'bad_signature',
      seal('up', header, { type: 'presence', body: { online: true, drillUntil: null } }, cloudKey),
    ],
    ['too large', 'too_large', Buffer.alloc(1024 * 1024 + 1)],
  ])('%s is dropped with a line that says why', async (_what, reason, message) => {
    const call = await up();
    await call.events.received(message);
    expect(received).toEqual(['welcome']);
    expect(link.status().dropped).toEqual(new Map([[reason, 1]]));
    expect(logged.at(-1)).toContain(`"reason":"${reason}"`);
  });

  test('hangs up where the till cannot write, and greets anew', async () => {
    const call = await up();
    receive = async () => {
      throw new TillUnavailable('disk full');
    };
    await call.events.received(sealed(beat('beat-0001')));
    expect(call.closed).toBe(true);
    expect(line.at(-1)).toBe('down');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls).toHaveLength(2);
  });

  test('shows a defect of the till instead of hiding it', async () => {
    const call = await up();
    receive = async () => {
      throw new TypeError('a defect');
    };
    await expect(call.events.received(sealed(beat('beat-0001')))).rejects.toThrow('a defect');
  });
});

describe('the journal', () => {
  const uploads = (call: Call) => call.sent.filter(({ type }) => type === 'journal').map(({ body }) => body);

  test('waits for the welcome, then goes one part at a time', async () => {
    const call = await started();
    call.events.opened();
    journal = part(1);
    await grow();
    expect(uploads(call)).toEqual([]);
    await call.events.received(sealed(welcome));
    expect(uploads(call)).toEqual([part(1)]);
    await grow();
    expect(uploads(call)).toHaveLength(1);
    journal = part(2);
    link.settled({ epoch: 1, n: 1, hash: GENESIS_HASH });
    expect(uploads(call)).toEqual([part(1), part(2)]);
  });

  test('lingers where nobody waits for it, and goes with what somebody does', async () => {
    const call = await up();
    journal = unawaited(1);
    await grow(false);
    await vi.advanceTimersByTimeAsync(199);
    expect(uploads(call)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(uploads(call)).toEqual([unawaited(1)]);
    journal = null;
    link.settled({ epoch: 1, n: 1, hash: GENESIS_HASH });
    await grow(false);
    journal = part(2);
    await grow();
    expect(uploads(call)).toEqual([unawaited(1), part(2)]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(uploads(call)).toHaveLength(2);
  });

  test('lingers also after an upload', async () => {
    const call = await up();
    journal = part(1);
    await grow();
    await grow(false);
    journal = unawaited(2);
    link.settled({ epoch: 1, n: 1, hash: GENESIS_HASH });
    expect(uploads(call)).toEqual([part(1)]);
    await vi.advanceTimersByTimeAsync(200);
    expect(uploads(call)).toEqual([part(1), unawaited(2)]);
  });

  test('what lingers goes before a heartbeat and a list of holdings: both name the head', async () => {
    const call = await up();
    await vi.advanceTimersByTimeAsync(29_900);
    journal = unawaited(1);
    await grow(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(types(call).slice(-2)).toEqual(['journal', 'heartbeat']);
  });

  test('what lingers when the line goes down is sent at the next welcome', async () => {
    const call = await up();
    journal = unawaited(1);
    await grow(false);
    call.events.closed('gone');
    await vi.advanceTimersByTimeAsync(1_000);
    const [, next] = calls;
    if (next === undefined) throw new Error('no second call');
    next.events.opened();
    await next.events.received(sealed(welcome));
    expect([uploads(call), uploads(next)]).toEqual([[], [unawaited(1)]]);
  });

  test('is sent again where nothing settles it', async () => {
    const call = await up();
    journal = part(1);
    await grow();
    await vi.advanceTimersByTimeAsync(2_000 + 4_000);
    expect(uploads(call)).toHaveLength(3);
    journal = null;
    link.settled({ epoch: 1, n: 1, hash: GENESIS_HASH });
    await vi.advanceTimersByTimeAsync(25_000);
    expect(uploads(call)).toHaveLength(3);
  });

  test('goes on from where it stood after a new connection', async () => {
    const call = await up();
    journal = part(1);
    await grow();
    call.events.closed('gone');
    await vi.advanceTimersByTimeAsync(1_000);
    const [, next] = calls;
    if (next === undefined) throw new Error('no second call');
    next.events.opened();
    await next.events.received(sealed(welcome));
    expect(uploads(next)).toEqual([part(1)]);
  });

  test('of a box that is not welcomed goes up as evidence', async () => {
    const call = await started();
    call.events.opened();
    journal = part(1, true);
    await grow();
    expect(uploads(call)).toEqual([part(1, true)]);
  });
});

describe('a drill', () => {
  test('tells the cloud, then cuts the line, and ends by itself', async () => {
    const call = await up();
    const { until } = link.cut(15, 'Jo');
    expect(call.sent.at(-1)).toMatchObject({ type: 'presence', body: { online: false, drillUntil: until } });
    expect([call.closed, line.at(-1), drill]).toEqual([true, 'down', { since: Date.now(), until, by: 'Jo' }]);
    await vi.advanceTimersByTimeAsync(15 * 60_000 - 1);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(calls).toHaveLength(2);
    expect([drill, link.status().drill]).toEqual([null, null]);
  });

  test('is kept over a restart', async () => {
    await up();
    link.cut(15, 'Jo');
    await link.stop();
    link = makeLink();
    link.start(till);
    await vi.advanceTimersByTimeAsync(15 * 60_000 - 1);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(calls).toHaveLength(2);
  });

  test('can be ended before its time', async () => {
    await up();
    link.cut(15, 'Jo');
    link.open();
    await vi.advanceTimersByTimeAsync(0);
    expect([calls.length, drill]).toEqual([2, null]);
  });
});
