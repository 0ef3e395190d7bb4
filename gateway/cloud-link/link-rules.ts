import { HEARTBEAT_MS, SILENT_AFTER_MS, SYNC_MS } from '../../protocol/limits.ts';

/**
 * The link's states: down, connecting, greeting, up; a drill cuts it. Times are milliseconds of a clock that never
 * jumps. A state holds its own deadlines, so that one timer carries the link.
 */
export type LinkState =
  | { readonly phase: 'cut'; readonly until: number }
  | { readonly phase: 'down'; readonly dialAt: number; readonly failures: number }
  | { readonly phase: 'connecting'; readonly giveUpAt: number; readonly failures: number }
  /** Connected; hello is said until the cloud has judged the attest and welcomes the box [C4]. */
  | { readonly phase: 'greeting'; readonly helloAt: number; readonly failures: number }
  | { readonly phase: 'up'; readonly heartbeatAt: number; readonly syncAt: number; readonly heardAt: number };

export type LinkEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'closed' }
  /** A verified message of the cloud came in. */
  | { readonly type: 'heard' }
  | { readonly type: 'welcomed' }
  /** A drill begins, or its end is moved. */
  | { readonly type: 'cut'; readonly until: number }
  /** The drill ends before its time. */
  | { readonly type: 'mended' }
  | { readonly type: 'time' };

export type LinkEffect =
  | 'dial'
  | 'hang_up'
  | 'say_online'
  /** Tells the cloud of the drill while the line still stands. */
  | 'say_drill'
  | 'hello'
  | 'heartbeat'
  | 'sync'
  | 'line_up'
  | 'line_down'
  | 'drill_over';

export type LinkStep = { readonly state: LinkState; readonly effects: readonly LinkEffect[] };

/** Now, and a random number from 0 to 1: a thousand boxes must not dial in the same moment. */
export type Moment = { readonly now: number; readonly random: number };

const HELLO_AGAIN_MS = 5_000;
/** TCP, TLS and MQTT's own greeting over a bad mobile line. */
const CONNECT_MS = 15_000;
const DIAL_FIRST_MS = 500;
const DIAL_MOST_MS = 15_000;

export const linkStart = (now: number, cutUntil: number | null): LinkState =>
  cutUntil !== null && cutUntil > now ? { phase: 'cut', until: cutUntil } : { phase: 'down', dialAt: now, failures: 0 };

export function linkStep(state: LinkState, event: LinkEvent, at: Moment): LinkStep {
  switch (event.type) {
    case 'opened':
      return opened(state, at);
    case 'closed':
      return closed(state, at);
    case 'heard':
      return state.phase === 'up' ? { state: { ...state, heardAt: at.now }, effects: [] } : stay(state);
    case 'welcomed':
      return welcomed(state, at);
    case 'cut':
      return cut(state, event.until);
    case 'mended':
      return state.phase === 'cut' ? mended(at) : stay(state);
    case 'time':
      return time(state, at);
  }
}

/** When 'time' must come next. */
export function linkDueAt(state: LinkState): number {
  switch (state.phase) {
    case 'cut':
      return state.until;
    case 'down':
      return state.dialAt;
    case 'connecting':
      return state.giveUpAt;
    case 'greeting':
      return state.helloAt;
    case 'up':
      return Math.min(state.heartbeatAt, state.syncAt, state.heardAt + SILENT_AFTER_MS);
  }
}

export const isConnected = (state: LinkState): boolean => state.phase === 'greeting' || state.phase === 'up';

const stay = (state: LinkState): LinkStep => ({ state, effects: [] });

function opened(state: LinkState, { now }: Moment): LinkStep {
  if (state.phase !== 'connecting') return stay(state);
  return {
    state: { phase: 'greeting', helloAt: now + HELLO_AGAIN_MS, failures: state.failures },
    effects: ['say_online', 'hello'],
  };
}

function closed(state: LinkState, at: Moment): LinkStep {
  switch (state.phase) {
    case 'cut':
    case 'down':
      return stay(state);
    case 'connecting':
    case 'greeting':
      return { state: down(state.failures + 1, at), effects: [] };
    case 'up':
      return { state: down(0, at), effects: ['line_down'] };
  }
}

function welcomed(state: LinkState, { now }: Moment): LinkStep {
  if (state.phase !== 'greeting') return stay(state);
  return {
    state: { phase: 'up', heartbeatAt: now + HEARTBEAT_MS, syncAt: now + SYNC_MS, heardAt: now },
    effects: ['line_up', 'heartbeat', 'sync'],
  };
}

function cut(state: LinkState, until: number): LinkStep {
  const next: LinkState = { phase: 'cut', until };
  switch (state.phase) {
    case 'cut':
    case 'down':
      return { state: next, effects: [] };
    case 'connecting':
      return { state: next, effects: ['hang_up'] };
    case 'greeting':
      return { state: next, effects: ['say_drill', 'hang_up'] };
    case 'up':
      return { state: next, effects: ['say_drill', 'hang_up', 'line_down'] };
  }
}

const mended = ({ now }: Moment): LinkStep => ({
  state: { phase: 'down', dialAt: now, failures: 0 },
  effects: ['drill_over'],
});

function time(state: LinkState, at: Moment): LinkStep {
  if (at.now < linkDueAt(state)) return stay(state);
  switch (state.phase) {
    case 'cut':
      return mended(at);
    case 'down':
      return {
        state: { phase: 'connecting', giveUpAt: at.now + CONNECT_MS, failures: state.failures },
        effects: ['dial'],
      };
    case 'connecting':
      return { state: down(state.failures + 1, at), effects: ['hang_up'] };
    case 'greeting':
      return { state: { ...state, helloAt: at.now + HELLO_AGAIN_MS }, effects: ['hello'] };
    case 'up':
      return upkeep(state, at);
  }
}

function upkeep(state: Extract<LinkState, { phase: 'up' }>, at: Moment): LinkStep {
  // Three heartbeats without an answer: the broker stands, but nobody is behind it.
  if (at.now >= state.heardAt + SILENT_AFTER_MS) return { state: down(0, at), effects: ['hang_up', 'line_down'] };
  const beats = at.now >= state.heartbeatAt;
  const syncs = at.now >= state.syncAt;
  return {
    state: {
      ...state,
      heartbeatAt: beats ? at.now + HEARTBEAT_MS : state.heartbeatAt,
      syncAt: syncs ? at.now + SYNC_MS : state.syncAt,
    },
    effects: [...(beats ? (['heartbeat'] as const) : []), ...(syncs ? (['sync'] as const) : [])],
  };
}

/** Between half and one and a half of the pause, which doubles with every failure. */
function down(failures: number, { now, random }: Moment): LinkState {
  const pauseMs = Math.min(DIAL_MOST_MS, DIAL_FIRST_MS * 2 ** Math.min(failures, 10));
  return { phase: 'down', dialAt: now + Math.round(pauseMs * (0.5 + random)), failures };
}
