import type { GivenCoupon } from './port.ts';
import type { Secrets } from './secrets.ts';
import type { Customers } from './customers.ts';
import type { AssignmentRow, DistributionReads, DistributionStore } from './store.ts';

/** Who has which coupon, for a retailer that sends its own messages. */

/** What is in memory at once, while a slow reader takes it. */
const ROWS_PER_READ = 500;

export async function* couponsOfCampaign(
  { store, secrets, customers }: { store: DistributionStore; secrets: Secrets; customers: Customers },
  campaign: string,
): AsyncGenerator<readonly GivenCoupon[]> {
  for (let after = 0; ; ) {
    const given = await store.read(async (tx) => {
      const rows = await tx.assignmentsOfCampaign(campaign, after, ROWS_PER_READ);
      return { last: rows.at(-1)?.seq ?? null, lines: await Promise.all(rows.map((row) => lineOf(tx, row))) };
    });
    if (given.last === null) return;
    after = given.last;
    yield given.lines;
  }

  async function lineOf(tx: DistributionReads, row: AssignmentRow): Promise<GivenCoupon> {
    const code = (await tx.codes([row.codeHash]))[0];
    if (code === undefined) throw new Error(`the code of the assignment ${row.id} is missing`);
    const { at, how, channel, customer } = row;
    const number = customer === null ? null : await customers.numberOf(tx, customer);
    return { link: secrets.linkOf(row.id), at, how, channel, number, state: code.state, lastFour: code.lastFour };
  }
}
