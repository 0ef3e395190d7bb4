import { createHash } from 'node:crypto';
import { validityIn } from '../../protocol/card.ts';
import { type Code, makeCodes, partitionOf } from '../../protocol/code.ts';
import { LEDGER_PARTITIONS } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { issuable, takeCap } from '../issuing/issuable.ts';
import { chain, type NewEntry } from '../ledger/chain.ts';
import { Gathering } from '../ledger/gathering.ts';
import type { Campaign, CodeHash } from '../ledger/port.ts';
import { decideAssignment, type Mine } from './assign-rules.ts';
import type { Assigned, AssignRefusal, AssignRequest, Coupon } from './port.ts';
import { capLeft, type Drawn, nextOfPool } from './pools.ts';
import type { Secrets } from './secrets.ts';
import type { AssignmentRow, DistributionReads, DistributionStore, DistributionTx } from './store.ts';

/** Coupons are bound to persons: one a customer and campaign, by a constraint of the database. */

export type AssignmentPorts = {
  readonly store: DistributionStore;
  readonly secrets: Secrets;
  readonly fleetKey: Uint8Array;
  readonly sealKey: Uint8Array;
  readonly randomBytes: (size: number) => Buffer;
  readonly now: () => number;
};

/** Short enough that a register's redemption hardly waits for it. */
const REQUESTS_PER_GROUP_MAX = 512;

type Answer = Result<Assigned, AssignRefusal>;

export class Assignments {
  readonly #ports: AssignmentPorts;
  readonly #gathering = new Gathering<AssignRequest, Answer>((group) => this.#commit(group), REQUESTS_PER_GROUP_MAX);

  constructor(ports: AssignmentPorts) {
    this.#ports = ports;
  }

  assign(request: AssignRequest): Promise<Answer> {
    return this.#gathering.run(request);
  }

  /** A list, in as few transactions as there are groups in it. In its order. */
  async assignAll(requests: readonly AssignRequest[]): Promise<readonly Answer[]> {
    return Promise.all(requests.map((request) => this.assign(request)));
  }

  coupon(row: AssignmentRow): Coupon {
    const { secrets } = this.#ports;
    return { ...row, link: secrets.linkOf(row.id), code: () => secrets.open(row.sealedCode, codePlace(row.id)) };
  }

  #commit(group: readonly AssignRequest[]): Promise<Answer[]> {
    return this.#ports.store.transaction(async (tx) => {
      const given = new Given(this.#ports, tx, await campaignsOf(tx, group));
      const answers: Answer[] = [];
      for (const request of group) answers.push(await given.give(request));
      await given.write();
      return answers;
    });
  }
}

async function campaignsOf(tx: DistributionReads, group: readonly AssignRequest[]): Promise<Map<string, Campaign>> {
  const ids = [...new Set(group.map(({ campaign }) => campaign))];
  return new Map((await tx.campaigns(ids)).map((campaign) => [campaign.id, campaign]));
}

/** What one transaction gives out. Codes of ours are made as they are needed; codes of stacks come from their pool. */
class Given {
  readonly #ports: AssignmentPorts;
  readonly #tx: DistributionTx;
  readonly #campaigns: Map<string, Campaign>;
  readonly #minted = new Map<string, { hash: CodeHash; lastFour: string }[]>();
  readonly #poolLeft = new Map<string, number | null>();
  #codes: Code[] = [];

  constructor(ports: AssignmentPorts, tx: DistributionTx, campaigns: Map<string, Campaign>) {
    this.#ports = ports;
    this.#tx = tx;
    this.#campaigns = campaigns;
  }

  async give(request: AssignRequest): Promise<Answer> {
    const campaign = this.#campaigns.get(request.campaign);
    if (campaign === undefined) return err('unknown_campaign');
    const mine = request.customer === null ? [] : await this.#mine(campaign.id, request.customer);
    const decision = decideAssignment(mine, {
      perCustomer: campaign.perCustomer,
      ended: validityIn(campaign.card, campaign.card.timeZone).endsAt <= this.#ports.now(),
      left: (await this.#pool(campaign.id)) ?? capLeft(campaign),
    });
    switch (decision.kind) {
      case 'same':
        return ok(this.#answer(decision.assignment, false));
      case 'refused':
        return err(decision.why);
      case 'new':
        return this.#giveNew(request, campaign, decision.ordinal);
    }
  }

  /** Caps and chains, once for all that was made. */
  async write(): Promise<void> {
    for (const [id, codes] of this.#minted) {
      const campaign = this.#campaigns.get(id);
      if (campaign !== undefined) await this.#tx.putCampaign(campaign);
      const news = issueEntries(id, codes, this.#ports.now());
      const heads = await this.#tx.heads(news.map(({ partition }) => partition));
      await this.#tx.mint({ campaign: id, codes, entries: chain(heads, news) });
    }
  }

  async #giveNew(request: AssignRequest, campaign: Campaign, ordinal: number): Promise<Answer> {
    const drawn = await this.#nextCode(campaign);
    if (drawn === null) return err('none_left');
    const { secrets, fleetKey, randomBytes, now } = this.#ports;
    const id = randomBytes(16).toString('hex');
    const { hash, lastFour } = issuable(fleetKey, drawn.code);
    await this.#tx.putAssignment({
      id,
      campaign: campaign.id,
      customer: request.customer,
      ordinal,
      codeHash: hash,
      sealedCode: secrets.seal(drawn.text, codePlace(id)),
      linkHash: secrets.hashLink(secrets.linkOf(id)),
      how: request.how,
      channel: request.channel,
      source: request.source,
      at: now(),
      replacedBy: null,
    });
    if ((await this.#pool(campaign.id)) === null) this.#note(campaign.id, { hash, lastFour });
    return ok(this.#answer(id, true));
  }

  async #nextCode(campaign: Campaign): Promise<Drawn | null> {
    if ((await this.#pool(campaign.id)) !== null) return this.#fromPool(campaign.id);
    const taken = takeCap(campaign, 1);
    if (!taken.ok) return null;
    this.#campaigns.set(campaign.id, taken.value);
    if (this.#codes.length === 0) this.#codes = makeCodes(CODES_MADE_AHEAD, this.#ports.randomBytes);
    const code = this.#codes.pop();
    return code === undefined ? null : { code, text: code };
  }

  /** What was voided or redeemed before anybody had it is passed over. */
  async #fromPool(campaign: string): Promise<Drawn | null> {
    for (;;) {
      const drawn = await nextOfPool(this.#tx, this.#ports.sealKey, campaign);
      this.#poolLeft.delete(campaign);
      if (drawn === null) return null;
      const row = (await this.#tx.codes([issuable(this.#ports.fleetKey, drawn.code).hash]))[0];
      if (row?.state === 'issued' || row?.state === 'reserved') return drawn;
    }
  }

  async #mine(campaign: string, customer: string): Promise<Mine[]> {
    const rows = await this.#tx.assignmentsOf(campaign, customer);
    const minted = new Set((this.#minted.get(campaign) ?? []).map(({ hash }) => hash));
    const states = new Map((await this.#tx.codes(rows.map(({ codeHash }) => codeHash))).map((c) => [c.hash, c.state]));
    return rows.map(({ id, ordinal, codeHash, replacedBy }) => {
      const state = states.get(codeHash) ?? (minted.has(codeHash) ? 'issued' : null);
      if (state === null) throw new Error(`the code of the assignment ${id} is missing`);
      return { assignment: id, ordinal, state, replaced: replacedBy !== null };
    });
  }

  async #pool(campaign: string): Promise<number | null> {
    const known = this.#poolLeft.get(campaign);
    if (known !== undefined) return known;
    const left = await this.#tx.poolLeft(campaign);
    this.#poolLeft.set(campaign, left);
    return left;
  }

  #note(campaign: string, code: { hash: CodeHash; lastFour: string }): void {
    const codes = this.#minted.get(campaign) ?? [];
    codes.push(code);
    this.#minted.set(campaign, codes);
  }

  #answer(assignment: string, isNew: boolean): Assigned {
    return { assignment, link: this.#ports.secrets.linkOf(assignment), isNew };
  }
}

/** Randomness is fetched for so many at once; what is left over was never issued. */
const CODES_MADE_AHEAD = 64;

const codePlace = (assignment: string): string => `code of ${assignment}`;

/** One entry for each partition, with the hash of the codes made there: as for a stack's chunk. */
function issueEntries(campaign: string, codes: readonly { readonly hash: CodeHash }[], at: number): NewEntry[] {
  const entries: NewEntry[] = [];
  for (let partition = 0; partition < LEDGER_PARTITIONS; partition += 1) {
    const mine = codes.flatMap(({ hash }) => (partitionOf(hash) === partition ? hash : [])).sort();
    if (mine.length === 0) continue;
    const hash = createHash('sha256').update(mine.join('\n')).digest('hex');
    entries.push({
      codeHash: null,
      partition,
      at,
      body: { kind: 'issue', campaign, count: mine.length, codes: hash },
    });
  }
  return entries;
}
