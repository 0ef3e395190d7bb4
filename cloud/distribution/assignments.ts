import { type Card, validityIn } from '../../protocol/card.ts';
import { dayIn } from '../../protocol/dates.ts';
import { type Code, makeCodes } from '../../protocol/code.ts';
import { faceValue, type PersonalOffer } from '../../protocol/offer.ts';
import { outOfBounds, ownValue, personalCard } from '../../protocol/personal-offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { issuable, takeCap } from '../issuing/issuable.ts';
import { issueEntries } from '../issuing/issue-entries.ts';
import { chain } from '../ledger/chain.ts';
import { Gathering } from '../ledger/gathering.ts';
import { setPersonal } from '../ledger/personalising.ts';
import type { Campaign } from '../ledger/port.ts';
import type { NewCode } from '../ledger/store.ts';
import { type AssignDecision, decideAssignment, type Mine, spentOf } from './assign-rules.ts';
import type { Assigned, AssignRefusal, AssignRequest, Coupon, IssueRefusal, IssueRequest } from './port.ts';
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
type Issued = Result<Assigned, IssueRefusal>;
type Request = { readonly campaign: string; readonly answer: (given: Given) => Promise<unknown> };

export class Assignments {
  readonly #ports: AssignmentPorts;
  readonly #gathering = new Gathering<Request, unknown>((group) => this.#commit(group), REQUESTS_PER_GROUP_MAX);

  constructor(ports: AssignmentPorts) {
    this.#ports = ports;
  }

  assign(request: AssignRequest): Promise<Answer> {
    return this.#run(request.campaign, (given) => given.give(request));
  }

  issue(request: IssueRequest): Promise<Issued> {
    return this.#run(request.campaign, (given) => given.issue(request));
  }

  /** A list, in as few transactions as there are groups in it. In its order. */
  async assignAll(requests: readonly AssignRequest[]): Promise<readonly Answer[]> {
    return Promise.all(requests.map((request) => this.assign(request)));
  }

  coupon(row: AssignmentRow): Coupon {
    const { secrets } = this.#ports;
    return { ...row, link: secrets.linkOf(row.id), code: () => secrets.open(row.sealedCode, codePlace(row.id)) };
  }

  #run<T>(campaign: string, answer: (given: Given) => Promise<T>): Promise<T> {
    return this.#gathering.run({ campaign, answer }) as Promise<T>;
  }

  #commit(group: readonly Request[]): Promise<unknown[]> {
    return this.#ports.store.transaction(async (tx) => {
      const given = new Given(this.#ports, tx, await campaignsOf(tx, group));
      const answers: unknown[] = [];
      for (const { answer } of group) answers.push(await answer(given));
      await given.write();
      return answers;
    });
  }
}

async function campaignsOf(tx: DistributionReads, group: readonly Request[]): Promise<Map<string, Campaign>> {
  const ids = [...new Set(group.map(({ campaign }) => campaign))];
  return new Map((await tx.campaigns(ids)).map((campaign) => [campaign.id, campaign]));
}

/** What is written of whom a coupon is given to. */
type To = Pick<AssignmentRow, 'customer' | 'how' | 'channel' | 'source'> & Pick<AssignRequest, 'personal'>;
const OF_A_SALE = { source: {}, personal: null };

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
    const campaign = this.#campaigns.get(request.campaign);
    if (campaign === undefined) return err('unknown_campaign');
    const decision = await this.#decide(campaign, request.customer);
    switch (decision.kind) {
      case 'same':
        return ok(await this.#tell(decision.coupon));
      case 'refused':
        return err(decision.why);
      case 'new': {
        const out =
          request.personal === null ? null : outOfBounds(campaign.card, request.personal, campaign.personalValueMax);
        if (out !== null) return err({ outOfBounds: out });
        return this.#giveNew(request, campaign, decision.ordinal);
      }
    }
  }

  async issue(request: IssueRequest): Promise<Issued> {
    const sale = request.sale === null ? null : { ...request.sale, campaign: request.campaign };
    const before = sale === null ? null : await this.#tx.issueOf(sale);
    if (before !== null) return ok(this.#answer(before.assignment, false));
    const issued = await this.#issue(request);
    if (sale !== null && issued.ok) await this.#tx.putIssue(sale, issued.value.assignment, this.#ports.now());
    return issued;
  }

  async #issue({ campaign: id, customer, channel }: IssueRequest): Promise<Issued> {
    const campaign = this.#campaigns.get(id);
    if (campaign === undefined) return err('unknown_campaign');
    const decision = await this.#decide(campaign, customer);
    switch (decision.kind) {
      case 'same': {
        const spent = spentOf(decision.coupon);
        return spent === null ? ok(await this.#tell(decision.coupon)) : err(spent);
      }
      case 'refused':
        return err(decision.why);
      case 'new':
        return this.#giveNew({ customer, how: 'basket', channel, ...OF_A_SALE }, campaign, decision.ordinal);
    }
  }

  async #decide(campaign: Campaign, customer: string | null): Promise<AssignDecision> {
    return decideAssignment(customer === null ? [] : await this.#mine(campaign, customer), {
      perCustomer: campaign.perCustomer,
      ended: this.#hasEnded(campaign.card),
      left: (await this.#pool(campaign.id)) ?? capLeft(campaign),
    });
  }

  #hasEnded(card: Card): boolean {
    return validityIn(card, card.timeZone).endsAt <= this.#ports.now();
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

  async #giveNew(
    to: To,
    campaign: Campaign,
    ordinal: number,
  ): Promise<Result<Assigned, 'none_left' | 'none_left_today'>> {
    const { customer, how, channel, source, personal } = to;
    if (!(await this.#mayGiveToday(to, campaign))) return err('none_left_today');
    const drawn = await this.#nextCode(campaign, personal);
    if (drawn === null) return err('none_left');
    const { secrets, fleetKey, randomBytes, now } = this.#ports;
    const id = randomBytes(16).toString('hex');
    await this.#tx.putAssignment({
      id,
      campaign: campaign.id,
      ...{ customer, how, channel, source },
      ordinal,
      codeHash: issuable(fleetKey, drawn.code).hash,
      sealedCode: secrets.seal(drawn.text, codePlace(id)),
      linkHash: secrets.hashLink(secrets.linkOf(id)),
      at: now(),
      replacedBy: null,
      untold: how === 'basket' && channel === 'till',
    });
    return ok(this.#answer(id, true));
  }

  /** Lists are the marketer's own act; what customers ask for is bounded by the day. */
  async #mayGiveToday({ how, personal }: To, { id, card, capPerDay }: Campaign): Promise<boolean> {
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

  async #mine({ id: campaign, card }: Campaign, customer: string): Promise<Mine[]> {
    const rows = await this.#tx.assignmentsOf(campaign, customer);
    const minted = (this.#minted.get(campaign) ?? []).map(({ hash, personal = null }) => ({
      ...{ hash, personal, state: 'issued' as const },
    }));
    const stored = await this.#tx.codes(rows.map(({ codeHash }) => codeHash));
    const codes = new Map([...minted, ...stored].map((code) => [code.hash, code]));
    return rows.map(({ id, ordinal, codeHash, replacedBy, untold }) => {
      const code = codes.get(codeHash);
      if (code === undefined) throw new Error(`the code of the assignment ${id} is missing`);
      const ended = this.#hasEnded(personalCard(card, code.personal));
      return { assignment: id, ordinal, state: code.state, replaced: replacedBy !== null, ended, untold };
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

  async #tell({ assignment, untold }: Mine): Promise<Assigned> {
    if (untold) await this.#tx.told(assignment);
    return this.#answer(assignment, false);
  }

  #answer(assignment: string, isNew: boolean): Assigned {
    return { assignment, link: this.#ports.secrets.linkOf(assignment), isNew };
  }
}

/** Randomness is fetched for so many at once; what is left over was never issued. */
const CODES_MADE_AHEAD = 64;
