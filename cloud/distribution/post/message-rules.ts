/** What becomes of a message. Pure: the use case asks `step` and writes what it says. */

export const MESSAGE_STATES = [
  'queued',
  'sending',
  'accepted',
  'delivered',
  'bounced',
  'failed',
  'unknown',
  'suppressed',
] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];

/** What an attempt came to. Reasons are words for the marketer: never an address, never the provider's own sentence. */
export type Outcome =
  | { readonly is: 'accepted'; readonly providerId: string | null }
  /** This message is certainly not accepted now; later it may be. */
  | { readonly is: 'later'; readonly reason: string; readonly retryAfterMs: number | null }
  /** The provider takes nothing just now; it has certainly not accepted this. */
  | { readonly is: 'away'; readonly reason: string; readonly retryAfterMs: number | null }
  /** It will never be accepted. `bounced`: for its recipient's sake. */
  | { readonly is: 'refused'; readonly reason: string; readonly bounced: boolean }
  /** It may have been accepted, and it may not. */
  | { readonly is: 'unknown'; readonly reason: string };

export type MessageEvent =
  | Outcome
  /** Written down before the attempt is made. */
  | { readonly is: 'attempted' }
  | { readonly is: 'held'; readonly until: number; readonly reason: string }
  | { readonly is: 'suppressed'; readonly reason: string }
  /** Found as it was when the process ended. */
  | { readonly is: 'crashed' }
  /** Its delivery wants what is unknown to be sent again. */
  | { readonly is: 'again' }
  /** What the provider told later. */
  | { readonly is: 'reported'; readonly how: 'delivered' | 'bounced' | 'failed'; readonly reason: string | null };

/** The part of a message that its events change. Times in milliseconds since 1970. */
export type Standing = {
  readonly state: MessageState;
  /** Attempts that the provider has answered for this message. */
  readonly attempts: number;
  /** How often nobody could tell whether it was sent. */
  readonly doubts: number;
  readonly notBefore: number;
  readonly reason: string | null;
  readonly providerId: string | null;
  readonly attemptedAt: number | null;
  readonly acceptedAt: number | null;
  readonly endedAt: number | null;
};

/** Together about three hours: the longest that a greylisting server or a full mailbox's owner usually takes. */
export const ATTEMPTS_MAX = 10;
const RETRY_FIRST_MS = 30_000;
const RETRY_LONGEST_MS = 3_600_000;
/** A one-time code that waits half a minute is one that is asked for again. */
const RETRY_FIRST_HASTY_MS = 3_000;

/** @returns what stands after it; null: nothing changes, for it is too late, or it makes no sense */
export function step(now: Standing, event: MessageEvent, at: number, isHasty: boolean): Standing | null {
  switch (now.state) {
    case 'queued':
      return fromQueued(now, event, at);
    case 'sending':
      return fromSending(now, event, at, isHasty);
    case 'unknown':
      // The answer to an attempt that was given up.
      if (event.is === 'accepted') return { ...told(now, event.providerId, at), state: 'accepted', reason: null };
      if (event.is === 'again') return { ...now, state: 'queued', notBefore: at };
      return event.is === 'reported' ? ended(now, event.how, event.reason, at) : null;
    case 'accepted':
      return event.is === 'reported' ? ended(now, event.how, event.reason, at) : null;
    case 'delivered':
      if (event.is === 'accepted') return told(now, event.providerId, at);
      return event.is === 'reported' && event.how === 'bounced' ? ended(now, 'bounced', event.reason, at) : null;
    case 'bounced':
    case 'failed':
      return event.is === 'accepted' ? told(now, event.providerId, at) : null;
    case 'suppressed':
      return null;
  }
}

/** May its recipient and its contents still be needed? One-time codes least of all are kept any longer. */
export const isToBeSent = (state: MessageState): boolean => state === 'queued' || state === 'sending';

function fromQueued(now: Standing, event: MessageEvent, at: number): Standing | null {
  switch (event.is) {
    case 'attempted':
      return { ...now, state: 'sending', attemptedAt: at, reason: null };
    case 'held':
      return { ...now, notBefore: event.until, reason: event.reason };
    case 'suppressed':
      return ended(now, 'suppressed', event.reason, at);
    case 'reported':
      // Of an attempt whose outcome was unknown: what arrived is not sent again; what did not, waits for its turn.
      return now.doubts > 0 && event.how !== 'failed' ? ended(now, event.how, event.reason, at) : null;
    case 'accepted':
    case 'later':
    case 'away':
    case 'refused':
    case 'unknown':
    case 'crashed':
    case 'again':
      return null;
  }
}

function fromSending(now: Standing, event: MessageEvent, at: number, isHasty: boolean): Standing | null {
  switch (event.is) {
    case 'accepted':
      return { ...told(now, event.providerId, at), state: 'accepted', attempts: now.attempts + 1, reason: null };
    case 'later':
      return later({ ...now, attempts: now.attempts + 1 }, event, at, isHasty);
    case 'away':
      return { ...now, state: 'queued', notBefore: at + (event.retryAfterMs ?? 0), reason: event.reason };
    case 'refused':
      return ended({ ...now, attempts: now.attempts + 1 }, event.bounced ? 'bounced' : 'failed', event.reason, at);
    case 'unknown':
      return { ...now, state: 'unknown', attempts: now.attempts + 1, doubts: now.doubts + 1, reason: event.reason };
    case 'crashed':
      return {
        ...now,
        state: 'unknown',
        attempts: now.attempts + 1,
        doubts: now.doubts + 1,
        reason: 'stopped_meanwhile',
      };
    case 'reported':
      // The provider's report can overtake its answer.
      return ended(now, event.how, event.reason, at);
    case 'attempted':
    case 'held':
    case 'suppressed':
    case 'again':
      return null;
  }
}

function later(now: Standing, event: Extract<Outcome, { is: 'later' }>, at: number, isHasty: boolean): Standing {
  if (now.attempts >= ATTEMPTS_MAX) return ended(now, 'failed', event.reason, at);
  const waitMs = Math.max(retryMs(now.attempts, isHasty), event.retryAfterMs ?? 0);
  return { ...now, state: 'queued', notBefore: at + waitMs, reason: event.reason };
}

const retryMs = (attempts: number, isHasty: boolean): number =>
  Math.min(RETRY_LONGEST_MS, (isHasty ? RETRY_FIRST_HASTY_MS : RETRY_FIRST_MS) * 2 ** (attempts - 1));

const told = (now: Standing, providerId: string | null, at: number): Standing => ({
  ...now,
  providerId: providerId ?? now.providerId,
  acceptedAt: now.acceptedAt ?? at,
});

const ended = (now: Standing, state: MessageState, reason: string | null, at: number): Standing => ({
  ...now,
  ...{ state, reason, endedAt: at },
  acceptedAt: state === 'delivered' ? (now.acceptedAt ?? at) : now.acceptedAt,
});
