import { validityIn } from '../../protocol/card.ts';
import { dayIn } from '../../protocol/dates.ts';
import { type Code, makeCodes } from '../../protocol/code.ts';
import { faceValue, type PersonalOffer } from '../../protocol/offer.ts';
import { outOfBounds, ownValue } from '../../protocol/personal-offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { issuable, takeCap } from '../issuing/issuable.ts';
import { issueEntries } from '../issuing/issue-entries.ts';
import { chain } from '../ledger/chain.ts';
import { Gathering } from '../ledger/gathering.ts';
import { setPersonal } from '../ledger/personalising.ts';
import type { Campaign } from '../ledger/port.ts';
import type { NewCode } from '../ledger/store.ts';
import { decideAssignment, type Mine } from './assign-rules.ts';
import type { Assigned, AssignRefusal, AssignRequest, Coupon } from './port.ts';
import { capLeft, type Drawn, nextOfPool } from './pools.ts';
import { codePlace, type Secrets } from './secrets.ts';
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
  readonly #minted = new Map<string, NewCode[]>();
  readonly #poolLeft = new Map<string, number | null>();
  #codes: Code[] = [];

  constructor(ports: AssignmentPorts, tx: DistributionTx, campaigns: Map<string, Campaign>) {
    this.#ports = ports;
    this.#tx = tx;
    this.#campaigns = campaigns;
  }

  async give(request: AssignRequest): Promise<Answer> {
    const { sale, campaign } = request;
    if (sale === undefined) return this.#give(request);
    const issued = await this.#tx.issueOf({ ...sale, campaign });
    if (issued !== null) return ok(this.#answer(issued.assignment, false));
    const given = await this.#give(request);
    if (given.ok) await this.#tx.putIssue({ ...sale, campaign }, given.value.assignment, this.#ports.now());
    return given;
  }

  async #give(request: AssignRequest): Promise<Answer> {
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
      const news = issueEntries(codes, this.#ports.now(), { campaign: id });
      const heads = await this.#tx.heads(news.map(({ partition }) => partition));
      await this.#tx.mint({ campaign: id, codes, entries: chain(heads, news) });
    }
  }

  async #giveNew(request: AssignRequest, campaign: Campaign, ordinal: number): Promise<Answer> {
    const { personal } = request;
    const out = personal === null ? null : outOfBounds(campaign.card, personal, campaign.personalValueMax);
    if (out !== null) return err({ outOfBounds: out });
    if (!(await this.#mayGiveToday(request, campaign))) return err('none_left_today');
    const drawn = await this.#nextCode(campaign, personal);
    if (drawn === null) return err('none_left');
    const { secrets, fleetKey, randomBytes, now } = this.#ports;
    const id = randomBytes(16).toString('hex');
    await this.#tx.putAssignment({
      id,
      campaign: campaign.id,
      customer: request.customer,
      ordinal,
      codeHash: issuable(fleetKey, drawn.code).hash,
      sealedCode: secrets.seal(drawn.text, codePlace(id)),
      linkHash: secrets.hashLink(secrets.linkOf(id)),
      how: request.how,
      channel: request.channel,
      source: request.source,
      at: now(),
      replacedBy: null,
    });
    return ok(this.#answer(id, true));
  }

  /** Lists are the marketer's own act; what customers ask for is bounded by the day. */
  async #mayGiveToday({ how, personal }: AssignRequest, { id, card, capPerDay }: Campaign): Promise<boolean> {
    const { units, value } = capPerDay;
    if (how === 'ahead' || (units === null && value === null)) return true;
    const worth = ownValue(personal) ?? faceValue(card.offer.discount);
    return this.#tx.countGiven(id, dayIn(this.#ports.now(), card.timeZone), worth, capPerDay);
  }

  async #nextCode(campaign: Campaign, personal: PersonalOffer | null): Promise<Drawn | null> {
    if ((await this.#pool(campaign.id)) !== null) return this.#fromPool(campaign, personal);
    const value = ownValue(personal);
    const taken = takeCap(campaign, 1, value === null ? [] : [value]);
    if (!taken.ok) return null;
    this.#campaigns.set(campaign.id, taken.value);
    if (this.#codes.length === 0) this.#codes = makeCodes(CODES_MADE_AHEAD, this.#ports.randomBytes);
    const code = this.#codes.pop();
    if (code === undefined) return null;
    this.#note(campaign.id, { ...issuable(this.#ports.fleetKey, code), ...(personal === null ? {} : { personal }) });
    return { code, text: code };
  }

  /** What was voided or redeemed before anybody had it is passed over, and what a store has already where it must change. */
  async #fromPool(campaign: Campaign, personal: PersonalOffer | null): Promise<Drawn | null> {
    for (;;) {
      const drawn = await nextOfPool(this.#tx, this.#ports.sealKey, campaign.id);
      this.#poolLeft.delete(campaign.id);
      if (drawn === null) return null;
      const row = (await this.#tx.codes([issuable(this.#ports.fleetKey, drawn.code).hash]))[0];
      if (row === undefined || (row.state !== 'issued' && row.state !== 'reserved')) continue;
      if (personal === null) return drawn;
      const own = await setPersonal(this.#tx, row, campaign, personal, this.#ports.now());
      if (!own.ok) continue;
      this.#campaigns.set(campaign.id, own.value);
      await this.#tx.putCampaign(own.value);
      return drawn;
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

  #note(campaign: string, code: NewCode): void {
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
