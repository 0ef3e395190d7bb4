import { describe, expect, test } from 'vitest';
import {
  type LinkEffect,
  type LinkEvent,
  type LinkState,
  linkDueAt,
  linkStart,
  linkStep,
} from '../../gateway/cloud-link/link-rules.ts';
import { uploadStep } from '../../gateway/cloud-link/upload-rules.ts';
import { HEARTBEAT_MS, SILENT_AFTER_MS, SYNC_MS } from '../../protocol/limits.ts';
import { codeHashSchema } from '../../protocol/reservation.ts';

const now = 1_000_000;
const states = {
  cut: { phase: 'cut', until: now + 600_000 },
  down: { phase: 'down', dialAt: now + 1_000, failures: 2 },
  connecting: { phase: 'connecting', giveUpAt: now + 15_000, failures: 2 },
  greeting: { phase: 'greeting', helloAt: now + 5_000, failures: 2 },
  up: { phase: 'up', heartbeatAt: now + 30_000, syncAt: now + 900_000, heardAt: now },
} as const satisfies Record<LinkState['phase'], LinkState>;
const until = now + 60_000;
const events = {
  opened: { type: 'opened' },
  closed: { type: 'closed' },
  heard: { type: 'heard' },
  welcomed: { type: 'welcomed' },
  cut: { type: 'cut', until },
  mended: { type: 'mended' },
} as const satisfies Record<Exclude<LinkEvent['type'], 'time'>, LinkEvent>;

type Row = readonly [LinkState['phase'], ...LinkEffect[]];
const stays = (phase: LinkState['phase']): Row => [phase];

/** Phase × event → phase and effects, without a hole. */
const table: Record<LinkState['phase'], Record<keyof typeof events, Row>> = {
  cut: {
    opened: stays('cut'),
    closed: stays('cut'),
    heard: stays('cut'),
    welcomed: stays('cut'),
    cut: ['cut'],
    mended: ['down', 'drill_over'],
  },
  down: {
    opened: stays('down'),
    closed: stays('down'),
    heard: stays('down'),
    welcomed: stays('down'),
    cut: ['cut'],
    mended: stays('down'),
  },
  connecting: {
    opened: ['greeting', 'say_online', 'hello'],
    closed: ['down'],
    heard: stays('connecting'),
    welcomed: stays('connecting'),
    cut: ['cut', 'hang_up'],
    mended: stays('connecting'),
  },
  greeting: {
    opened: stays('greeting'),
    closed: ['down'],
    heard: stays('greeting'),
    welcomed: ['up', 'line_up', 'heartbeat', 'sync'],
    cut: ['cut', 'say_drill', 'hang_up'],
    mended: stays('greeting'),
  },
  up: {
    opened: stays('up'),
    closed: ['down', 'line_down'],
    heard: stays('up'),
    welcomed: stays('up'),
    cut: ['cut', 'say_drill', 'hang_up', 'line_down'],
    mended: stays('up'),
  },
};

describe('the link', () => {
  for (const [phase, row] of Object.entries(table))
    for (const [name, [next, ...effects]] of Object.entries(row))
      test(`${phase}, ${name}: becomes ${next}, does ${effects.join(', ') || 'nothing'}`, () => {
        const step = linkStep(states[phase as LinkState['phase']], events[name as keyof typeof events], {
          now,
          random: 0.5,
        });
        expect([step.state.phase, ...step.effects]).toEqual([next, ...effects]);
      });

  const at = (state: LinkState, time: number, random = 0.5) => linkStep(state, { type: 'time' }, { now: time, random });

  test.each(Object.values(states))('does nothing before its time in $phase', (state) => {
    expect(at(state, linkDueAt(state) - 1)).toEqual({ state, effects: [] });
  });

  test('dials at once at the start, and not while a drill of before a restart lasts', () => {
    expect(at(linkStart(now, null), now).effects).toEqual(['dial']);
    const cut = linkStart(now, until);
    expect(at(cut, until - 1).effects).toEqual([]);
    expect(at(cut, until)).toEqual({ state: { phase: 'down', dialAt: until, failures: 0 }, effects: ['drill_over'] });
    expect(linkStart(now, now)).toMatchObject({ phase: 'down' });
  });

  test('waits longer after each failure, up to 15 s, scattered by half', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 50].map((failures) => {
      const { state } = linkStep({ ...states.connecting, failures }, { type: 'closed' }, { now, random: 0.5 });
      return linkDueAt(state) - now;
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    const scattered = [0, 1].map(
      (random) => linkDueAt(linkStep(states.up, events.closed, { now, random }).state) - now,
    );
    expect(scattered).toEqual([250, 750]);
  });

  test('gives up a connection that does not come about', () => {
    expect(at(states.connecting, states.connecting.giveUpAt)).toMatchObject({
      state: { phase: 'down', failures: 3 },
      effects: ['hang_up'],
    });
  });

  test('says hello again every 5 s until it is welcomed', () => {
    const step = at(states.greeting, states.greeting.helloAt);
    expect(step.effects).toEqual(['hello']);
    expect(linkDueAt(step.state)).toBe(states.greeting.helloAt + 5_000);
  });

  test('beats every 30 s and syncs every 15 min', () => {
    let state: LinkState = linkStep(states.greeting, events.welcomed, { now, random: 0 }).state;
    const done: [number, LinkEffect][] = [];
    for (let time = now; time <= now + SYNC_MS; time += 1_000) {
      state = linkStep(state, events.heard, { now: time, random: 0 }).state;
      const step = at(state, time);
      state = step.state;
      for (const effect of step.effects) done.push([time - now, effect]);
    }
    const beats = done.filter(([, effect]) => effect === 'heartbeat').map(([time]) => time);
    expect(beats).toEqual(Array.from({ length: SYNC_MS / HEARTBEAT_MS }, (_, index) => (index + 1) * HEARTBEAT_MS));
    expect(done.filter(([, effect]) => effect === 'sync')).toEqual([[SYNC_MS, 'sync']]);
  });

  test('hangs up where the broker stands and nobody is behind it', () => {
    expect(at(states.up, now + SILENT_AFTER_MS)).toMatchObject({
      state: { phase: 'down' },
      effects: ['hang_up', 'line_down'],
    });
  });
});

describe('uploads of the journal', () => {
  const codeHash = codeHashSchema.parse('a'.repeat(64));
  const entries = [{ kind: 'returned', reservation: 'res-00001', codeHash, generation: 0, why: 'end' }] as const;
  const first = { epoch: 1, from: 1, entries: [...entries], evidence: false };
  const unawaited = { ...first, from: 2, entries: [{ kind: 'time', at: 1, cause: 'anchor' } as const] };

  test('go one at a time: the next part only when the one under way is settled', () => {
    const sent = uploadStep(null, first, now);
    expect(sent.do).toBe('send');
    expect(uploadStep(sent.upload, first, now + 1).do).toBe('wait');
    expect(uploadStep(sent.upload, { ...first, from: 501 }, now + 1).do).toBe('send');
    expect(uploadStep(sent.upload, null, now + 1)).toEqual({ do: 'wait', upload: null });
  });

  test('linger after another where nobody waits for what is in it, but not as evidence', () => {
    const { upload } = uploadStep(null, first, now);
    expect(uploadStep(upload, unawaited, now + 1)).toEqual({ do: 'linger', upload: null });
    expect(uploadStep(upload, { ...unawaited, entries: [...unawaited.entries, ...entries] }, now + 1).do).toBe('send');
    expect(uploadStep(upload, { ...unawaited, evidence: true }, now + 1).do).toBe('send');
    expect(uploadStep(null, unawaited, now + 200).do).toBe('send');
  });

  test('are sent again whoever waits', () => {
    const { upload } = uploadStep(null, unawaited, now);
    expect(uploadStep(upload, unawaited, upload?.againAt ?? 0).do).toBe('send');
  });

  test('are sent again after 2 s, then twice as long each time, up to 30 s', () => {
    let { upload } = uploadStep(null, first, now);
    const pauses: number[] = [];
    for (let times = 0; times < 6 && upload !== null; times++) {
      pauses.push(upload.pauseMs);
      expect(uploadStep(upload, first, upload.againAt - 1).do).toBe('wait');
      const again = uploadStep(upload, first, upload.againAt);
      expect(again.do).toBe('send');
      upload = again.upload;
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('begin anew in another epoch, whatever the number', () => {
    const { upload } = uploadStep(null, first, now);
    expect(uploadStep(upload, { ...first, epoch: 2 }, now + 1).do).toBe('send');
  });
});
