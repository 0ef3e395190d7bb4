import type { CodeHash } from '../../protocol/code.ts';
import type { LedgerEntry, RedemptionRow, ReservationRow } from './code-rules.ts';
import type { Standing } from './port.ts';
import type { LedgerReads, LedgerStore } from './store.ts';

/** Where one code stands, for whoever shows it to its person. Null: there is no such code. */
export async function standingOf(store: LedgerStore, hash: CodeHash): Promise<Standing | null> {
  return store.read(async (tx) => {
    const code = (await tx.codes([hash]))[0];
    if (code === undefined) return null;
    const redemption = code.redemption === null ? null : ((await tx.redemptions([code.redemption]))[0] ?? null);
    if (code.state === 'redeemed' && redemption === null) throw new Error('a redeemed code is without its redemption');
    const reservation = code.reservation === null ? null : ((await tx.reservations([code.reservation]))[0] ?? null);
    return {
      state: code.state,
      personal: code.personal,
      hold: code.hold === null ? null : { since: await lastAt(tx, hash, 'hold'), until: code.hold.until },
      reservation: reservation === null ? null : await reservedAt(tx, reservation),
      redemption: redemption === null ? null : await redeemedAt(tx, redemption),
    };
  });
}

async function reservedAt(tx: LedgerReads, row: ReservationRow): Promise<Standing['reservation']> {
  const box = (await tx.gateways([row.gateway]))[0];
  return {
    store: box?.store ?? null,
    isStock: row.cause === 'stock',
    since: row.cause === 'stock' ? null : await lastAt(tx, row.codeHash, 'grant'),
    inUse: row.inUse,
    silentSince: box === undefined || box.connected ? null : (box.silentSince ?? box.lastHeard),
  };
}

async function redeemedAt(tx: LedgerReads, { door, at, lane, discount, fedStore }: RedemptionRow) {
  const gateway = door.startsWith('gateway:') ? door.slice('gateway:'.length) : null;
  const box = gateway === null ? undefined : (await tx.gateways([gateway]))[0];
  const store = fedStore ?? box?.store ?? null;
  return { at, store, isOnline: gateway === null && store === null, lane, discount };
}

/** When the code made this move last: its row says where it is, its chain says since when. */
async function lastAt(tx: LedgerReads, hash: CodeHash, kind: LedgerEntry['kind']): Promise<number | null> {
  const entries = await tx.entriesOfCode(hash);
  return entries.findLast(({ body }) => (JSON.parse(body) as LedgerEntry).kind === kind)?.at ?? null;
}
