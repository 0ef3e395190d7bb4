import type { UpBody } from '../../protocol/messages.ts';

/** Parts of a box's list of holdings, until all are there. A box that says a new sync begins anew. */
export type SyncParts = Map<
  string,
  { readonly sync: string; readonly parts: number; readonly lists: Map<number, readonly string[]> }
>;

/** @returns the whole list once its last part is there; else null */
export function collectSync(
  syncs: SyncParts,
  gateway: string,
  { sync, part, parts, holdings }: UpBody<'sync'>,
): ReadonlySet<string> | null {
  const present = syncs.get(gateway);
  const collected =
    present?.sync === sync && present.parts === parts
      ? present
      : { sync, parts, lists: new Map<number, readonly string[]>() };
  if (part >= parts) return null;
  collected.lists.set(part, holdings);
  syncs.set(gateway, collected);
  if (collected.lists.size < parts) return null;
  syncs.delete(gateway);
  return new Set([...collected.lists.values()].flat());
}
