import type { IssueRequest } from './port.ts';
import type { DistributionTx, Source } from './store.ts';

/** Where somebody is who asks for a coupon: what stores reserve ahead goes by it. Where coupons are shown the ledger sees. */

/** Of a source: the store in which its poster hangs. */
const STORE_PARAMETER = 'store';

/** Anybody may write a link: what it names counts where it is a store. */
export async function seeAtPoster(tx: DistributionTx, customer: string, source: Source, at: number): Promise<void> {
  const store = source[STORE_PARAMETER];
  if (store === undefined || !(await tx.stores()).some(({ id }) => id === store)) return;
  await tx.putSighting(customer, { store, at });
}

/** Whom a cart gives a coupon is in that cart. */
export async function seeInCart(
  tx: DistributionTx,
  { customer, channel }: Pick<IssueRequest, 'customer' | 'channel'>,
  at: number,
): Promise<void> {
  if (customer === null || channel !== 'online') return;
  await tx.putSighting(customer, { store: null, at });
}
