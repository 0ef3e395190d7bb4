import type { Card } from '../../protocol/card.ts';
import type { DownBody, UpBody } from '../../protocol/messages.ts';
import { type Change, type CodeView, type ExceptionRow, type GatewayRow, move } from '../ledger/code-rules.ts';

/** hello → challenge → attest → welcome [C4], and what a fence does [C12]. */

/** Challenges that a box has not answered yet; a box that says hello more often loses the oldest. */
const CHALLENGES_KEPT_MAX = 8;

export type FenceWhy = DownBody<'fence'>['why'];

export function greet(
  gateway: GatewayRow,
  bootId: number,
  hello: UpBody<'hello'>,
  challengeId: string,
): readonly Change[] {
  // A fenced, revoked or replaced box may upload its journal and nothing else [C12].
  if (gateway.state !== 'active') return [tellFence(gateway)];
  const { epoch, acknowledged } = gateway;
  const challenge = { id: challengeId, nonce: hello.nonce, bootId, epoch, n: acknowledged.n, hash: acknowledged.hash };
  const challenges = [...gateway.challenges, challenge].slice(-CHALLENGES_KEPT_MAX);
  return [
    { do: 'gateway', row: { ...gateway, challenges, version: hello.version } },
    {
      do: 'send',
      gateway: gateway.id,
      message: { type: 'challenge', body: { nonce: hello.nonce, challenge: challengeId, epoch, n: acknowledged.n } },
    },
  ];
}

export type Ledger = {
  readonly cards: readonly Card[];
  readonly keys: DownBody<'welcome'>['keys'];
  readonly now: number;
};

export type Judgement =
  | { readonly kind: 'welcome'; readonly changes: readonly Change[] }
  | { readonly kind: 'fence'; readonly why: FenceWhy }
  /** Duplicated, late or replayed: changes nothing. */
  | { readonly kind: 'ignored' }
  /** The box has what this ledger has lost: an alarm, and no welcome until recovery [C8]. */
  | { readonly kind: 'ledger_behind'; readonly exception: ExceptionRow };

/** Judged against the challenge's own number and hash alone, never against what was acknowledged since [C4, B23]. */
export function judge(gateway: GatewayRow, bootId: number, attest: UpBody<'attest'>, ledger: Ledger): Judgement {
  const challenge = gateway.challenges.find(({ id }) => id === attest.challenge);
  if (gateway.state !== 'active' || challenge === undefined) return { kind: 'ignored' };
  if (challenge.bootId !== bootId || challenge.epoch !== gateway.epoch) return { kind: 'ignored' };
  const reaches = attest.head.epoch === challenge.epoch && attest.hashAtChallenge !== null;
  if (attest.disagreement !== null) return { kind: 'fence', why: 'disagreement' };
  if (!reaches) return { kind: 'fence', why: 'behind' };
  if (attest.hashAtChallenge !== challenge.hash) return { kind: 'fence', why: 'fork' };
  if (attest.acknowledged > gateway.acknowledged.n || attest.floor > gateway.number)
    return { kind: 'ledger_behind', exception: lost(gateway, attest) };
  return { kind: 'welcome', changes: welcome(gateway, challenge.id, bootId, ledger) };
}

function welcome(
  gateway: GatewayRow,
  challenge: string,
  bootId: number,
  { cards, keys, now }: Ledger,
): readonly Change[] {
  const { epoch, acknowledged } = gateway;
  const row: GatewayRow = {
    ...gateway,
    challenges: gateway.challenges.filter(({ id }) => id !== challenge),
    welcomedBoot: Math.max(bootId, gateway.welcomedBoot ?? 0),
    connected: true,
    lastHeard: now,
    silentSince: null,
    drillUntil: null,
  };
  const body = { challenge, epoch, acknowledged: { epoch, ...acknowledged }, now, keys: [...keys], cards: [...cards] };
  return [
    { do: 'gateway', row },
    { do: 'send', gateway: gateway.id, message: { type: 'welcome', body } },
  ];
}

function lost(gateway: GatewayRow, attest: UpBody<'attest'>): ExceptionRow {
  return {
    what: 'ledger_behind',
    gateway: gateway.id,
    codeHash: null,
    ours: `acknowledged ${gateway.acknowledged.n}, granted ${gateway.number}`,
    theirs: `acknowledged ${attest.acknowledged}, floor ${attest.floor}`,
  };
}

/**
 * A fence: epoch + 1, no challenge of before counts, the open reservations are in doubt (void_pending stays) and the
 * chain is cut at the acknowledged entry [C2, C12]. `open`: every code that the box holds.
 */
export function fence(gateway: GatewayRow, open: readonly CodeView[], why: FenceWhy): readonly Change[] {
  const row: GatewayRow = {
    ...gateway,
    state: why === 'revoked' ? 'revoked' : 'fenced',
    fencedWhy: why,
    epoch: gateway.epoch + 1,
    acknowledged: { n: 0, hash: gateway.acknowledged.hash },
    challenges: [],
    welcomedBoot: null,
  };
  const doubts = open.flatMap((view) => {
    const moved = move(view.code, 'fence', {}, { door: `gateway:${gateway.id}` });
    return typeof moved === 'string' ? [] : moved.changes;
  });
  const exception: ExceptionRow = {
    what: `fenced_${why}`,
    gateway: gateway.id,
    codeHash: null,
    ours: `epoch ${gateway.epoch}, acknowledged ${gateway.acknowledged.n}`,
    theirs: `${open.length} codes in doubt`,
  };
  return [{ do: 'gateway', row }, ...doubts, { do: 'exception', row: exception }, tellFence(row)];
}

/** The fenced box is told under its new epoch why it decides nothing any more. */
function tellFence({ id, epoch, fencedWhy }: GatewayRow): Change {
  return { do: 'send', gateway: id, message: { type: 'fence', body: { epoch, why: fencedWhy ?? 'behind' } } };
}
