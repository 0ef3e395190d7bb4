import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { EXTEND_UNDER_MS, GRANT_RESERVATIONS_MAX, SILENT_AFTER_MS } from '../../protocol/limits.ts';
import type { DownBody, Header, Up, UpBody } from '../../protocol/messages.ts';
import { expireHold } from '../ledger/cart-rules.ts';
import type { Change, CodeView, GatewayRow } from '../ledger/code-rules.ts';
import type { Group } from '../ledger/group.ts';
import type { TakeScans } from '../ledger/port.ts';
import { grant } from '../ledger/handover-rules.ts';
import type { LedgerStore } from '../ledger/store.ts';
import type { Unit } from '../ledger/unit.ts';
import { endWaits } from './due.ts';
import { compareHoldings, decideWant, extend, stopWaiting } from './granting-rules.ts';
import { type FenceWhy, fence, greet, judge } from './greeting-rules.ts';
import { type SettledBy, settle } from './settling.ts';
import { InOrder } from './in-order.ts';
import { collectSync, type SyncParts } from './sync-parts.ts';

/** The boxes' messages at the ledger: each is one transaction under its gateway's row [C1, C2, C4, C9]. */

export type FleetPorts = {
  readonly group: Group;
  readonly store: LedgerStore;
  readonly incarnation: string;
  readonly keys: DownBody<'welcome'>['keys'];
  readonly now: () => number;
  readonly newId: () => string;
  /** A box was welcomed or asks for stock: deal to it soon. */
  readonly dealSoon: () => void;
  /** A register waits for a coupon of which its box has no blank. */
  readonly blankWanted: (gateway: string, request: NonNullable<UpBody<'blanks'>['request']>) => Promise<void>;
  /** There are such persons from now on. @param numbers as they travel */
  readonly named: (numbers: readonly string[]) => Promise<void>;
  readonly hashNumber: SettledBy['hashNumber'];
  readonly takeScans: TakeScans;
};

export class Fleet {
  readonly #ports: FleetPorts;
  readonly #syncs: SyncParts = new Map();
  readonly #inOrder = new InOrder();

  constructor(ports: FleetPorts) {
    this.#ports = ports;
  }

  async receive(header: Header, message: Up): Promise<void> {
    // Of another ledger, or of this one before it was restored: nothing is read [C8].
    if (header.incarnation !== this.#ports.incarnation) return;
    const names = message.type === 'journal' ? namedIn(message.body) : [];
    const prepare = names.length === 0 ? null : () => this.#ports.named(names);
    return this.#inOrder.run(header.gateway, prepare, () => this.#take(header, message));
  }

  async #take(header: Header, message: Up): Promise<void> {
    const { gateway, bootId } = header;
    switch (message.type) {
      case 'hello':
        return this.#with(gateway, [], async (unit, row) =>
          unit.apply(greet(row, bootId, message.body, this.#ports.newId())),
        );
      case 'attest':
        return this.#with(gateway, [], (unit, row) => this.#attest(unit, row, bootId, message.body));
      case 'journal':
        return this.#with(gateway, hashesOf(message.body), (unit, row) => this.#journal(unit, row, message.body));
      case 'presence':
        return this.#with(gateway, [], (unit, row) => this.#presence(unit, row, bootId, message.body));
      case 'want':
        return this.#welcomed(header, [message.body.codeHash], (unit, row) => this.#want(unit, row, message.body));
      case 'stock':
        return this.#ports.dealSoon();
      case 'blanks':
        return this.#blanks(header, message.body);
      case 'scans':
        return this.#scans(header, message.body);
      case 'recalled':
        return this.#welcomed(header, [], (unit, row) => this.#recalled(unit, row, message.body));
      case 'heartbeat':
        return this.#welcomed(header, [], (unit, row) => this.#heartbeat(unit, row, message.body));
      case 'sync':
        return this.#welcomed(header, [], (unit, row) => this.#sync(unit, row, message.body));
    }
  }

  /** The connection ended: the broker's last will, or silence. */
  gone(gateway: string): Promise<void> {
    return this.#with(gateway, [], async (unit, row) => {
      if (row.connected)
        unit.apply([{ do: 'gateway', row: { ...row, connected: false, silentSince: this.#ports.now() } }]);
    });
  }

  async revoke(gateway: string): Promise<'revoked' | 'unknown_gateway'> {
    return this.#ports.group.run([], async (unit) => {
      const row = await unit.gateway(gateway);
      if (row === null) return 'unknown_gateway';
      if (row.state !== 'revoked') await this.#fence(unit, row, 'revoked');
      return 'revoked';
    });
  }

  #with(
    gateway: string,
    hashes: readonly CodeHash[],
    work: (unit: Unit, row: GatewayRow) => Promise<void>,
  ): Promise<void> {
    return this.#ports.group.run(hashes, async (unit) => {
      const row = await unit.gateway(gateway);
      if (row !== null) await work(unit, row);
    });
  }

  /** Only a box whose present boot was welcomed in its present epoch is listened to. */
  #welcomed(
    header: Header,
    hashes: readonly CodeHash[],
    work: (unit: Unit, row: GatewayRow) => Promise<void>,
  ): Promise<void> {
    return this.#with(header.gateway, hashes, async (unit, row) => {
      if (row.state === 'active' && row.epoch === header.epoch && row.welcomedBoot === header.bootId)
        await work(unit, row);
    });
  }

  async #attest(unit: Unit, row: GatewayRow, bootId: number, body: UpBody<'attest'>): Promise<void> {
    const cards = await cardsFor(unit, row);
    const judgement = judge(row, bootId, body, { cards, keys: this.#ports.keys, now: this.#ports.now() });
    switch (judgement.kind) {
      case 'welcome':
        unit.apply(judgement.changes);
        return this.#ports.dealSoon();
      case 'fence':
        return this.#fence(unit, row, judgement.why);
      case 'ledger_behind':
        return unit.apply([{ do: 'exception', row: judgement.exception }]);
      case 'ignored':
        return;
    }
  }

  async #journal(unit: Unit, row: GatewayRow, body: UpBody<'journal'>): Promise<void> {
    const settled = await settle(unit, row, body, { now: this.#ports.now(), hashNumber: this.#ports.hashNumber });
    switch (settled.kind) {
      case 'applied':
        unit.apply(sightings(row.store, body, this.#ports.now()));
        this.#afterIssues(body);
        return this.#heard(unit, row.id);
      case 'evidence':
        this.#afterIssues(body);
        return this.#heard(unit, row.id);
      case 'gap':
        return tellWhereItStands(unit, row);
      case 'fork':
        return this.#fence(unit, row, 'fork');
      case 'broken':
        return;
    }
  }

  async #fence(unit: Unit, row: GatewayRow, why: FenceWhy): Promise<void> {
    const open = await unit.views(await unit.reads.codesHeldBy(row.id));
    unit.apply(fence(row, open, why));
  }

  async #presence(unit: Unit, row: GatewayRow, bootId: number, body: UpBody<'presence'>): Promise<void> {
    // A last will of an earlier boot comes late: the box is there again.
    if (!body.online && row.welcomedBoot !== null && bootId < row.welcomedBoot) return;
    const at = this.#ports.now();
    const drillUntil = body.drillUntil;
    if (!body.online)
      unit.apply([
        {
          do: 'gateway',
          row: {
            ...row,
            connected: false,
            silentSince: row.silentSince ?? at,
            drillUntil: drillUntil ?? row.drillUntil,
          },
        },
      ]);
    else unit.apply([{ do: 'gateway', row: { ...row, drillUntil } }]);
  }

  async #want(unit: Unit, row: GatewayRow, want: UpBody<'want'>): Promise<void> {
    const { newId, now } = this.#ports;
    const at = now();
    const hash = want.codeHash;
    const present = await unit.view(hash);
    if (present?.code.hold != null && present.code.hold.until <= at)
      unit.apply(expireHold(present, await unit.handOver(hash), at));
    const store = await unit.store(row.store);
    const changes = decideWant(
      row,
      want,
      {
        view: await unit.view(hash),
        reversal: await unit.reversal(`gateway:${row.id}`, hash, want.basket),
        store: { id: row.store, timeZone: store?.timeZone ?? 'UTC' },
        reservationId: newId(),
        waitId: newId(),
        tombstones: await unit.tombstones(row.id, hash),
      },
      at,
    );
    unit.asks(want.want, hash, want.basket);
    unit.shown(hash, `gateway:${row.id}`, want.basket, want.customer);
    unit.apply([...changes, { do: 'seen', row: { codeHash: hash, store: row.store, at } }]);
    // The tick would end the wait within a second: the cashier's deadline is shorter.
    for (const change of changes) if (change.do === 'wait') this.#endWaitAt(hash, change.row.until);
  }

  #endWaitAt(hash: CodeHash, until: number): void {
    const { group, now } = this.#ports;
    const timer = setTimeout(
      () => void group.run([hash], (unit) => endWaits(unit, [hash], now())).catch(() => undefined),
      Math.max(0, until - now()) + 1,
    );
    timer.unref();
  }

  /** What was issued may have left too few blanks. */
  #afterIssues(body: UpBody<'journal'>): void {
    if (body.entries.some(({ kind }) => kind === 'issued')) this.#ports.dealSoon();
  }

  /** Blanks are sealed for the key that the box tells under its signature [I5]. */
  async #blanks(header: Header, { publicKey, request }: UpBody<'blanks'>): Promise<void> {
    const isHeard = await this.#isWelcomed(header, (unit, row) => {
      if (row.sealingKey !== publicKey) unit.apply([{ do: 'gateway', row: { ...row, sealingKey: publicKey } }]);
    });
    if (!isHeard) return;
    if (request === null) this.#ports.dealSoon();
    else await this.#ports.blankWanted(header.gateway, request);
  }

  /** No money: the ledger has no part in it but the answer [E7]. */
  async #scans(header: Header, { scans }: UpBody<'scans'>): Promise<void> {
    if (!(await this.#isWelcomed(header))) return;
    const n = await this.#ports.takeScans(header.gateway, scans);
    await this.#welcomed(header, [], async (unit, row) =>
      unit.apply([{ do: 'send', gateway: row.id, message: { type: 'scans_taken', body: { n } } }]),
    );
  }

  async #isWelcomed(header: Header, work: (unit: Unit, row: GatewayRow) => void = () => undefined): Promise<boolean> {
    let isHeard = false;
    await this.#welcomed(header, [], async (unit, row) => {
      isHeard = true;
      work(unit, row);
    });
    return isHeard;
  }

  /** A hint [C10]: nothing moves, but who waits hears that a basket is using it. */
  async #recalled(unit: Unit, row: GatewayRow, { reservations }: UpBody<'recalled'>): Promise<void> {
    const { group } = this.#ports;
    for (const { reservation: id, answer, until, lane } of reservations) {
      const reservation = await unit.reservation(id);
      if (reservation === null || reservation.gateway !== row.id || reservation.state !== 'open' || answer !== 'in_use')
        continue;
      unit.apply([{ do: 'reservation', row: { ...reservation, inUse: { until: until ?? this.#ports.now(), lane } } }]);
      await this.#endWantWaits(unit, reservation.codeHash);
      setImmediate(() => group.nudge(reservation.codeHash));
    }
  }

  async #endWantWaits(unit: Unit, hash: CodeHash): Promise<void> {
    const view = await unit.view(hash);
    if (view === null) return;
    for (const wait of view.waits) if (wait.who.kind === 'want') unit.apply(stopWaiting(view, wait));
  }

  async #heartbeat(unit: Unit, row: GatewayRow, body: UpBody<'heartbeat'>): Promise<void> {
    const at = this.#ports.now();
    const heard: GatewayRow = {
      ...row,
      connected: true,
      lastHeard: at,
      silentSince: null,
      drillUntil: null,
      backlog: body.backlog,
      version: body.version,
    };
    unit.apply([
      { do: 'gateway', row: heard },
      { do: 'send', gateway: row.id, message: { type: 'beat', body: { beat: body.beat, now: at } } },
    ]);
    // Loading all that a box holds costs; most heartbeats have nothing to extend.
    if (!(await unit.reads.anyHeldEndsBefore(row.id, at + EXTEND_UNDER_MS))) return;
    const open = await unit.views(await unit.reads.codesHeldBy(row.id));
    const extension = extend(heard, open, at);
    if (extension.kind === 'extend') unit.apply(extension.changes);
    if (extension.kind === 'grant_again') await this.#grantAgain(unit, row.id, extension.views);
  }

  async #sync(unit: Unit, row: GatewayRow, body: UpBody<'sync'>): Promise<void> {
    const holdings = collectSync(this.#syncs, row.id, body);
    // What the journal has not told yet would look like a loss.
    if (holdings === null || body.head.epoch !== row.epoch || row.acknowledged.n < body.head.n) return;
    const open = await unit.views(await unit.reads.codesHeldBy(row.id));
    const compared = compareHoldings(row, open, holdings, this.#ports.now());
    unit.apply(compared.changes);
    await this.#grantAgain(unit, row.id, compared.again);
    await this.#recallUnexpected(unit, row, compared.unexpected);
  }

  async #grantAgain(unit: Unit, id: string, views: readonly CodeView[]): Promise<void> {
    for (let at = 0; at < views.length; at += GRANT_RESERVATIONS_MAX) {
      const gateway = await unit.gateway(id);
      if (gateway === null) return;
      const codes = await Promise.all(
        views.slice(at, at + GRANT_RESERVATIONS_MAX).map(async (view) => ({
          ...{ view, reservationId: '', tombstones: await unit.tombstones(id, view.code.hash) },
          sealed: view.code.blank ? await unit.reads.blankText(view.code.hash) : null,
        })),
      );
      unit.apply(grant(gateway, codes, { kind: 'again' }, this.#ports.now()).changes);
    }
  }

  /** What the box has and the ledger does not expect: a reservation that was closed, or that belongs to another history. */
  async #recallUnexpected(unit: Unit, row: GatewayRow, ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += GRANT_RESERVATIONS_MAX) {
      const found = await Promise.all(ids.slice(at, at + GRANT_RESERVATIONS_MAX).map((id) => unit.reservation(id)));
      const reservations = found.flatMap((r) =>
        r === null ? [] : { reservation: r.id, epoch: r.epoch, codeHash: r.codeHash, generation: r.generation },
      );
      if (reservations.length > 0)
        unit.apply([
          {
            do: 'send',
            gateway: row.id,
            message: { type: 'recall', body: { reservations, why: 'sync', deadline: null } },
          },
        ]);
    }
  }

  async #heard(unit: Unit, id: string): Promise<void> {
    const row = await unit.gateway(id);
    const at = this.#ports.now();
    // Heartbeats keep it fresh; a settling box need not write its row twice a second for this.
    if (row !== null && (row.lastHeard ?? 0) + SILENT_AFTER_MS / 3 < at)
      unit.apply([{ do: 'gateway', row: { ...row, lastHeard: at } }]);
  }
}

/** Of campaigns for its store, and of those that it holds codes of, for which it may not be one of the stores any more. */
async function cardsFor(unit: Unit, { id, store }: GatewayRow): Promise<Card[]> {
  const held = new Set((await unit.reads.countHeldBy([id])).map(({ campaign }) => campaign));
  const campaigns = await unit.reads.allCampaigns();
  return campaigns.flatMap(({ id: campaign, card }) => {
    const { stores, forms } = card;
    // Those with forms too: an imported code that is for another store is a coupon all the same.
    const concerns = stores === 'all' || stores.includes(store) || forms !== undefined || held.has(campaign);
    return concerns ? card : [];
  });
}

const hashesOf = ({ entries }: UpBody<'journal'>): CodeHash[] =>
  entries.flatMap((body) => ('codeHash' in body ? body.codeHash : []));

/** A coupon that was issued to them may become theirs. */
const namedIn = ({ entries }: UpBody<'journal'>): string[] => [
  ...new Set(entries.flatMap((body) => (body.kind === 'issued' && body.customer !== null ? body.customer : []))),
];

/** Redeemed there: its owner was there, whatever the box's clock says not later than now. */
const sightings = (store: string, { entries }: UpBody<'journal'>, now: number): Change[] =>
  entries.flatMap((body) =>
    body.kind === 'redeemed' ? { do: 'seen', row: { codeHash: body.codeHash, store, at: Math.min(body.at, now) } } : [],
  );

function tellWhereItStands(unit: Unit, { id, epoch, acknowledged }: GatewayRow): void {
  const body = { acknowledged: { epoch, ...acknowledged }, evidence: null, exceptions: [] };
  unit.apply([{ do: 'send', gateway: id, message: { type: 'ack', body } }]);
}
