import { chainEntries, type Entry, type EntryBody, type EntryOf, type Head } from '../../protocol/journal.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { UpBody } from '../../protocol/messages.ts';
import { mayBeOld } from '../ledger/campaign-rules.ts';
import type { GatewayRow } from '../ledger/code-rules.ts';
import { reversalSettled } from '../ledger/reversal-rules.ts';
import { reverseAt } from '../ledger/reversing.ts';
import type { Unit } from '../ledger/unit.ts';
import type { Named } from './owner-rules.ts';
import {
  type Applied,
  applyIssued,
  applyOwnIssued,
  applyRedeemed,
  applyReturned,
  applyReversed,
  type EntryCase,
} from './settling-rules.ts';

/** A journal upload into the ledger: contiguous prefixes, exactly once [C2]. */

export type Settled =
  | { readonly kind: 'applied' | 'evidence' }
  /** The upload does not follow what is applied: the box is told where it stands. */
  | { readonly kind: 'gap' }
  /** The same number with another hash: two histories. */
  | { readonly kind: 'fork' }
  /** The head is not what its entries give: dropped. */
  | { readonly kind: 'broken' };

export type SettledBy = {
  readonly now: number;
  /** How the database finds whom a till names, by the number as it travels. */
  readonly hashNumber: (travels: string) => string;
};

export async function settle(
  unit: Unit,
  gateway: GatewayRow,
  upload: UpBody<'journal'>,
  by: SettledBy,
): Promise<Settled> {
  const before: Head = { epoch: upload.epoch, n: upload.from - 1, hash: upload.before };
  const entries = chainEntries(before, upload.entries);
  const last = entries.at(-1);
  if (
    last === undefined ||
    upload.head.n !== last.n ||
    upload.head.hash !== last.hash ||
    upload.head.epoch !== upload.epoch
  )
    return { kind: 'broken' };
  const current = gateway.state === 'active' && upload.epoch === gateway.epoch && !upload.evidence;
  if (!current) return takeEvidence(unit, gateway, upload, entries, by);
  const follows = await placeOf(unit, gateway, before);
  if (follows !== 'known') return { kind: follows };
  const fresh = entries.filter(({ n }) => n > gateway.acknowledged.n);
  if (await forks(unit, gateway, entries)) return { kind: 'fork' };
  // What is fresh follows the prefix: an upload may begin before that, where an acknowledgement was lost.
  const exceptions = await applyAll(unit, gateway, fresh, false, gateway.acknowledged.hash, by);
  await acknowledge(unit, gateway.id, fresh.at(-1) ?? null, exceptions);
  return { kind: 'applied' };
}

async function placeOf(unit: Unit, gateway: GatewayRow, before: Head): Promise<'known' | 'gap' | 'fork'> {
  if (before.n > gateway.acknowledged.n) return 'gap';
  const ours = await hashAt(unit, gateway, before.n);
  return ours === null || ours === before.hash ? 'known' : 'fork';
}

/** What was uploaded again must be what was applied. */
async function forks(unit: Unit, gateway: GatewayRow, entries: readonly Entry[]): Promise<boolean> {
  const overlap = entries.filter(({ n }) => n <= gateway.acknowledged.n).at(-1);
  if (overlap === undefined) return false;
  const ours = await hashAt(unit, gateway, overlap.n);
  return ours !== null && ours !== overlap.hash;
}

async function hashAt(unit: Unit, gateway: GatewayRow, n: number): Promise<string | null> {
  if (n === gateway.acknowledged.n) return gateway.acknowledged.hash;
  return unit.reads.journalHash(gateway.id, gateway.epoch, n);
}

async function acknowledge(
  unit: Unit,
  id: string,
  last: Entry | null,
  exceptions: readonly Exception[],
): Promise<void> {
  const gateway = await unit.gateway(id);
  if (gateway === null) return;
  const acknowledged = last === null ? gateway.acknowledged : { n: last.n, hash: last.hash };
  const taken = acknowledged.n - gateway.acknowledged.n;
  unit.apply([
    { do: 'gateway', row: { ...gateway, acknowledged, backlog: Math.max(0, gateway.backlog - taken) } },
    {
      do: 'send',
      gateway: id,
      message: {
        type: 'ack',
        body: { acknowledged: { epoch: gateway.epoch, ...acknowledged }, evidence: null, exceptions: [...exceptions] },
      },
    },
  ]);
}

/**
 * Of an older epoch, or marked evidence: only `redeemed`, `issued` and `own_issued` are taken, nothing is acknowledged into
 * the prefix.
 */
async function takeEvidence(
  unit: Unit,
  gateway: GatewayRow,
  upload: UpBody<'journal'>,
  entries: readonly Entry[],
  by: SettledBy,
): Promise<Settled> {
  const exceptions = await applyAll(unit, gateway, entries, true, upload.before, by);
  const { epoch, acknowledged } = gateway;
  const body = { acknowledged: { epoch, ...acknowledged }, evidence: upload.head, exceptions: [...exceptions] };
  unit.apply([{ do: 'send', gateway: gateway.id, message: { type: 'ack', body } }]);
  return { kind: 'evidence' };
}

type Exception = { readonly epoch: number; readonly n: number; readonly what: string };

async function applyAll(
  unit: Unit,
  { id }: GatewayRow,
  entries: readonly Entry[],
  evidence: boolean,
  before: string,
  by: SettledBy,
): Promise<Exception[]> {
  await unit.load(entries.flatMap(({ body }) => ('codeHash' in body ? body.codeHash : [])));
  const exceptions: Exception[] = [];
  let previous = before;
  for (const entry of entries) {
    unit.journal(id, { ...entry, before: previous, evidence });
    previous = entry.hash;
    // Loaded anew each time: a hand-over may have taken a grant number of this very box.
    const gateway = await unit.gateway(id);
    if (gateway === null) break;
    const { changes, exception } = await applyOne(unit, gateway, entry, evidence, by);
    unit.apply(changes);
    if (exception !== null) exceptions.push({ epoch: entry.epoch, n: entry.n, what: exception });
  }
  return exceptions;
}

async function applyOne(
  unit: Unit,
  gateway: GatewayRow,
  { epoch, body }: Entry,
  evidence: boolean,
  { now, hashNumber }: SettledBy,
): Promise<Applied> {
  switch (body.kind) {
    case 'redeemed':
      return redeemed(unit, gateway, body, epoch, evidence);
    case 'returned':
      return applyReturned(
        gateway,
        body,
        await caseOf(unit, body.codeHash, body.reservation, null, epoch, evidence),
        await unit.handOver(body.codeHash),
        now,
      );
    case 'issued': {
      const { codeHash, reservation, campaign } = body;
      const issued = await issueOf(unit, gateway, body);
      const named = body.customer === null ? null : await namedOf(unit, campaign, hashNumber(body.customer));
      const given = await caseOf(unit, codeHash, reservation, null, epoch, evidence);
      return applyIssued(gateway, body, given, issued, named);
    }
    case 'own_issued':
      return applyOwnIssued(gateway, body, await unit.view(body.codeHash), await issueOf(unit, gateway, body));
    case 'reversed':
      return reversed(unit, gateway, body, epoch, evidence, now);
    case 'boot':
    case 'granted':
    case 'time':
    case 'policy':
      return { changes: [], exception: null };
  }
}

const issueOf = (unit: Unit, { id }: GatewayRow, { campaign, basket }: EntryOf<'issued' | 'own_issued'>) =>
  unit.issueOf({ door: `gateway:${id}`, campaign, basket });

/** Null: nobody is known under that number. */
async function namedOf(unit: Unit, campaign: string, numberHash: string): Promise<Named | null> {
  const named = await unit.named(campaign, numberHash);
  const known = await unit.findCampaign(campaign);
  if (named === null || known === null) return null;
  const views = new Map((await unit.views(named.coupons.map((c) => c.codeHash))).map((view) => [view.code.hash, view]));
  const coupons = named.coupons.flatMap((coupon) => {
    const code = views.get(coupon.codeHash)?.code;
    return code === undefined ? [] : { ...coupon, state: code.state, lastFour: code.lastFour };
  });
  return { customer: named.customer, perCustomer: known.perCustomer, coupons };
}

async function redeemed(
  unit: Unit,
  gateway: GatewayRow,
  body: EntryOf<'redeemed'>,
  epoch: number,
  evidence: boolean,
): Promise<Applied> {
  const given = await caseOf(unit, body.codeHash, body.reservation, body.redemption, epoch, evidence);
  const { view, reservation } = given;
  if (view === null || reservation === null || !mayBeOld(body, reservation.cardVersion, view.card.version))
    return applyRedeemed(gateway, body, given);
  return applyRedeemed(gateway, body, { ...given, versions: await unit.campaignVersions(view.code.campaign) });
}

async function caseOf(
  unit: Unit,
  hash: CodeHash,
  reservation: string | null,
  redemption: string | null,
  epoch: number,
  evidence: boolean,
): Promise<EntryCase> {
  return {
    view: await unit.view(hash),
    reservation: reservation === null ? null : await unit.reservation(reservation),
    known: redemption === null ? null : await unit.redemption(redemption),
    versions: [],
    epoch,
    evidence,
  };
}

/** A box's own reversal moves the code and settles what was asked for; one for another door is resolved like a cart's. */
async function reversed(
  unit: Unit,
  gateway: GatewayRow,
  body: Extract<EntryBody, { kind: 'reversed' }>,
  epoch: number,
  evidence: boolean,
  now: number,
): Promise<Applied> {
  const { door, codeHash, basket, redemption, reason } = body;
  if (door !== `gateway:${gateway.id}`) {
    // From evidence only `redeemed` is taken: a rolled-back box undoes nothing at other doors [C2].
    return evidence ? { changes: [], exception: null } : forwarded(unit, gateway, body, now);
  }
  const given = await caseOf(unit, codeHash, body.reservation, redemption, epoch, evidence);
  if (given.view === null) return { changes: [], exception: null };
  const stored = await unit.reversal(door, codeHash, basket);
  const applied = applyReversed(gateway, body, given, stored?.at ?? null, await unit.handOver(codeHash), now);
  return {
    changes: [...applied.changes, ...reversalSettled(stored, { door, codeHash, basket, redemption, reason, at: now })],
    exception: applied.exception,
  };
}

async function forwarded(
  unit: Unit,
  gateway: GatewayRow,
  { door, codeHash, basket, reason, at }: Extract<EntryBody, { kind: 'reversed' }>,
  now: number,
): Promise<Applied> {
  const reversal = await reverseAt(
    unit,
    codeHash,
    { door, basket, reason, askedAt: Math.min(at, now), asker: gateway.id },
    now,
  );
  if (reversal?.row.state === 'pending') return { changes: [], exception: null };
  // A code that the ledger does not know was never redeemed: that is an outcome too.
  const body = { door, codeHash, basket, redemption: reversal?.row.redemption ?? null };
  return { changes: [{ do: 'send', gateway: gateway.id, message: { type: 'outcome', body } }], exception: null };
}
