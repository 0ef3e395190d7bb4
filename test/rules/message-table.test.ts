import { describe, expect, test } from 'vitest';
import {
  ATTEMPTS_MAX,
  MESSAGE_STATES,
  type MessageEvent,
  type MessageState,
  type Standing,
  step,
} from '../../cloud/distribution/post/message-rules.ts';

/** Every state under every event: what it becomes, or '-' where nothing changes. */

const AT = 1_000_000;
const standing = (state: MessageState, own: Partial<Standing> = {}): Standing => ({
  ...{ state, attempts: 0, doubts: 0, notBefore: 0, reason: null, providerId: null },
  ...{ attemptedAt: null, acceptedAt: null, endedAt: null, ...own },
});

const events = {
  attempted: { is: 'attempted' },
  held: { is: 'held', until: AT + 5, reason: 'quiet_hours' },
  suppressed: { is: 'suppressed', reason: 'no_consent' },
  accepted: { is: 'accepted', providerId: 'SM1' },
  later: { is: 'later', reason: 'smtp_451', retryAfterMs: null },
  away: { is: 'away', reason: 'smtp_no_connection', retryAfterMs: null },
  refused: { is: 'refused', reason: 'smtp_554', bounced: false },
  bounced: { is: 'refused', reason: 'smtp_550', bounced: true },
  unknown: { is: 'unknown', reason: 'smtp_no_answer' },
  crashed: { is: 'crashed' },
  again: { is: 'again' },
  'told delivered': { is: 'reported', how: 'delivered', reason: null },
  'told bounced': { is: 'reported', how: 'bounced', reason: 'x' },
  'told failed': { is: 'reported', how: 'failed', reason: 'x' },
} as const satisfies Record<string, MessageEvent>;
type EventName = keyof typeof events;

type Column = Record<EventName, MessageState | '-'>;
const nothing: Column = {
  ...{ attempted: '-', held: '-', suppressed: '-', accepted: '-', later: '-', away: '-', refused: '-', bounced: '-' },
  ...{ unknown: '-', crashed: '-', again: '-', 'told delivered': '-', 'told bounced': '-', 'told failed': '-' },
};
const table: Record<MessageState, Column> = {
  queued: { ...nothing, attempted: 'sending', held: 'queued', suppressed: 'suppressed' },
  sending: {
    ...nothing,
    ...{ accepted: 'accepted', later: 'queued', away: 'queued', refused: 'failed', bounced: 'bounced' },
    ...{ unknown: 'unknown', crashed: 'unknown' },
    ...{ 'told delivered': 'delivered', 'told bounced': 'bounced', 'told failed': 'failed' },
  },
  accepted: { ...nothing, 'told delivered': 'delivered', 'told bounced': 'bounced', 'told failed': 'failed' },
  // The provider's answer may come after its report: then its id is noted, and the state stays.
  delivered: { ...nothing, accepted: 'delivered', 'told bounced': 'bounced' },
  bounced: { ...nothing, accepted: 'bounced' },
  failed: { ...nothing, accepted: 'failed' },
  unknown: {
    ...nothing,
    // Of an attempt that was given up, and came to its end after all.
    accepted: 'accepted',
    ...{ again: 'queued', 'told delivered': 'delivered', 'told bounced': 'bounced', 'told failed': 'failed' },
  },
  suppressed: nothing,
};

const cells = MESSAGE_STATES.flatMap((state) =>
  Object.entries(events).map(([name, event]) => [state, name as EventName, event] as const),
);

describe('a message', () => {
  test.each(cells)('that is %s, %s', (state, name, event) => {
    const after = step(standing(state), event, AT, false);
    expect(after?.state ?? '-').toBe(table[state][name]);
  });

  test('goes to be sent from queued alone, and there only before it was accepted or after it is known not to be', () => {
    const into = cells.filter(([state, , event]) => step(standing(state), event, AT, false)?.state === 'sending');
    expect(into.map(([state, name]) => [state, name])).toEqual([['queued', 'attempted']]);
    const back = cells.filter(
      ([state, , event]) => state !== 'queued' && step(standing(state), event, AT, false)?.state === 'queued',
    );
    expect(back.map(([state, name]) => [state, name])).toEqual([
      ['sending', 'later'],
      ['sending', 'away'],
      ['unknown', 'again'],
    ]);
  });

  test('in doubt that is queued again is not sent where the provider tells that it arrived', () => {
    const doubted = standing('queued', { doubts: 1 });
    expect(step(doubted, events['told delivered'], AT, false)?.state).toBe('delivered');
    expect(step(doubted, events['told failed'], AT, false)).toBeNull();
  });

  test('waits twice as long after each refusal for now, an hour at most, and fails after the last', () => {
    const waits: number[] = [];
    let now = standing('queued');
    for (let i = 1; i <= ATTEMPTS_MAX; i += 1) {
      const sending = step(now, events.attempted, AT, false);
      const after = sending === null ? null : step(sending, events.later, AT, false);
      if (after === null) throw new Error('nothing changed');
      now = after;
      if (now.state === 'queued') waits.push((now.notBefore - AT) / 1_000);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    expect(now).toMatchObject({ state: 'failed', attempts: ATTEMPTS_MAX, reason: 'smtp_451' });
  });

  test('counts no attempt where the provider was away', () => {
    expect(step(standing('sending'), events.away, AT, false)).toMatchObject({ attempts: 0, notBefore: AT });
  });

  test('with a one-time code is tried again within seconds', () => {
    expect(step(standing('sending'), events.later, AT, true)).toMatchObject({ notBefore: AT + 3_000 });
  });
});
