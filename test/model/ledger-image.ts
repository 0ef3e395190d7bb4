import type {
  CodeRow,
  ExceptionRow,
  GatewayRow,
  RedemptionRow,
  ReservationRow,
  ReversalRow,
  UseRow,
  WaitRow,
} from '../../cloud/ledger/code-rules.ts';
import type { Campaign, Store } from '../../cloud/ledger/port.ts';
import type {
  Batch,
  HoldingCount,
  LedgerReads,
  LedgerStore,
  LedgerTx,
  StoredJournalEntry,
} from '../../cloud/ledger/store.ts';
import type { Down } from '../../protocol/messages.ts';

/** All that the cloud has in its database, as a value. The chains of the books are left out: no rule reads them. */
export type LedgerImage = {
  readonly codes: ReadonlyMap<string, CodeRow>;
  readonly reservations: ReadonlyMap<string, ReservationRow>;
  readonly redemptions: ReadonlyMap<string, RedemptionRow>;
  readonly reversals: ReadonlyMap<string, ReversalRow>;
  readonly uses: ReadonlyMap<string, UseRow>;
  readonly waits: readonly WaitRow[];
  readonly gateways: ReadonlyMap<string, GatewayRow>;
  readonly journals: ReadonlyMap<string, StoredJournalEntry>;
  /** Never shrinks: each of them may arrive late, twice, in any order, or not at all. */
  readonly outbox: readonly Queued[];
  /** What was noted as an exception: kind and box. */
  readonly exceptions: readonly string[];
  /** Ids that were made so far. */
  readonly ids: number;
};
export type Queued = { readonly gateway: string; readonly epoch: number; readonly message: Down };

export type Fixed = { readonly campaign: Campaign; readonly stores: readonly Store[]; readonly incarnation: string };

/** The store port over one image. */
export class LedgerImages implements LedgerStore {
  image: LedgerImage;
  readonly #fixed: Fixed;

  constructor(image: LedgerImage, fixed: Fixed) {
    this.image = image;
    this.#fixed = fixed;
  }

  async transaction<T>(work: (tx: LedgerTx) => Promise<T>): Promise<T> {
    const before = this.image;
    try {
      return await work(this.#tx());
    } catch (error) {
      this.image = before;
      throw error;
    }
  }

  read<T>(work: (tx: LedgerReads) => Promise<T>): Promise<T> {
    return work(this.#tx());
  }

  close = async () => undefined;

  #tx(): LedgerTx {
    const { campaign, stores, incarnation } = this.#fixed;
    const now = () => this.image;
    const open = () => [...now().reservations.values()].filter((row) => this.#isHeld(row));
    const tx = {
      incarnation: async () => incarnation,
      codes: async (keys) => pick(now().codes, keys),
      reservations: async (ids) => pick(now().reservations, ids),
      redemptions: async (ids) => pick(now().redemptions, ids),
      redemptionsOfBasket: async (door, basket) =>
        [...now().redemptions.values()].filter((row) => row.door === door && row.basket === basket),
      reversals: async (keys) => [...now().reversals.values()].filter(({ codeHash }) => keys.includes(codeHash)),
      uses: async (door, basket) =>
        [...now().uses.values()].filter((row) => row.door === door && row.basket === basket),
      fed: async () => [],
      waits: async (keys) => now().waits.filter(({ codeHash }) => keys.includes(codeHash)),
      gateways: async (ids) => pick(now().gateways, ids),
      allGateways: async () => [...now().gateways.values()],
      gatewaysOf: async (store) => [...now().gateways.values()].filter((row) => row.store === store),
      campaigns: async () => [campaign],
      allCampaigns: async () => [campaign],
      campaignVersions: async () => [campaign],
      stores: async () => [...stores],
      codesHeldBy: async (gateway) => open().flatMap((row) => (row.gateway === gateway ? row.codeHash : [])),
      anyHeldEndsBefore: async (gateway, instant) =>
        open().some((row) => row.gateway === gateway && row.notAfter < instant),
      countHeldBy: async (gateways) => open().flatMap((row) => (gateways.includes(row.gateway) ? counted(row) : [])),
      heads: async () => [],
      journalHash: async (gateway, epoch, n) => now().journals.get(`${gateway} ${epoch} ${n} false`)?.hash ?? null,
      blankText: async () => null,
      issueOf: async () => null,
      holdsEnded: async (at) =>
        [...now().codes.values()].flatMap(({ hold, hash }) => (hold !== null && hold.until <= at ? hash : [])),
      waitsEnded: async (at) => now().waits.flatMap(({ until, codeHash }) => (until <= at ? codeHash : [])),
      reservationsEnded: async (before) =>
        open().flatMap(({ notAfter, codeHash }) => {
          const state = now().codes.get(codeHash)?.state;
          return notAfter <= before && (state === 'reserved' || state === 'void_pending') ? codeHash : [];
        }),
      recallsLapsed: async (at) =>
        open().flatMap(({ recall, codeHash }) =>
          recall !== null && recall.deadline !== null && recall.deadline <= at ? codeHash : [],
        ),
      write: async (batch) => {
        this.image = written(this.image, batch);
      },
    } satisfies Partial<LedgerTx>;
    return tx as Partial<LedgerTx> as LedgerTx;
  }

  #isHeld({ id, state, codeHash }: ReservationRow): boolean {
    return state === 'open' && this.image.codes.get(codeHash)?.reservation === id;
  }
}

const pick = <V>(rows: ReadonlyMap<string, V>, keys: readonly string[]): V[] =>
  keys.flatMap((key) => rows.get(key) ?? []);

const counted = ({ gateway }: ReservationRow): HoldingCount => ({
  ...{ gateway, campaign: 'spring', state: 'reserved', units: 1 },
  own: { units: 0, value: 0 },
});

function written(image: LedgerImage, batch: Batch): LedgerImage {
  const gone = new Set(batch.waitsEnded);
  const exceptions = batch.exceptions.map(nameOf).filter((name) => !image.exceptions.includes(name));
  return {
    codes: put(image.codes, batch.codes, ({ row }) => [row.hash, row]),
    reservations: put(image.reservations, batch.reservations, (row) => [row.id, row]),
    redemptions: put(image.redemptions, batch.redemptions, (row) => [row.id, row]),
    reversals: put(image.reversals, batch.reversals, (row) => [`${row.door} ${row.codeHash} ${row.basket}`, row]),
    uses: put(image.uses, batch.uses, (row) => [`${row.door} ${row.basket} ${row.codeHash}`, row]),
    waits:
      batch.waits.length + gone.size === 0
        ? image.waits
        : [...image.waits, ...batch.waits].filter(({ id }) => !gone.has(id)),
    gateways: put(image.gateways, batch.gateways, (row) => [row.id, row]),
    journals: put(image.journals, batch.journals, (row) => [
      `${row.gateway} ${row.epoch} ${row.n} ${row.evidence}`,
      row,
    ]),
    outbox: queued(image.outbox, batch.messages),
    exceptions: exceptions.length === 0 ? image.exceptions : [...image.exceptions, ...new Set(exceptions)].sort(),
    ids: image.ids,
  };
}

const nameOf = ({ what, gateway }: ExceptionRow): string => `${what} ${gateway ?? ''}`;

function put<V, R>(
  rows: ReadonlyMap<string, V>,
  changed: readonly R[],
  entry: (row: R) => [string, V],
): ReadonlyMap<string, V> {
  return changed.length === 0 ? rows : new Map([...rows, ...changed.map(entry)]);
}

/** The same message twice is the same message: any may be delivered again. */
function queued(outbox: readonly Queued[], messages: readonly Queued[]): readonly Queued[] {
  if (messages.length === 0) return outbox;
  const known = new Set(outbox.map((message) => JSON.stringify(message)));
  return [...outbox, ...messages.filter((message) => !known.has(JSON.stringify(message)))];
}
