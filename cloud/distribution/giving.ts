import { type Card, validityIn } from '../../protocol/card.ts';
import { type Code, makeCodes } from '../../protocol/code.ts';
import { dayIn } from '../../protocol/dates.ts';
import { faceValue, type PersonalOffer } from '../../protocol/offer.ts';
import { outOfBounds, ownValue, personalCard } from '../../protocol/personal-offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { issuable, takeCap } from '../issuing/issuable.ts';
import { issueEntries } from '../issuing/issue-entries.ts';
import { chain } from '../ledger/chain.ts';
import { setPersonal } from '../ledger/personalising.ts';
import type { Campaign } from '../ledger/port.ts';
import type { NewCode } from '../ledger/store.ts';
import { type AssignDecision, decideAssignment, type Mine, spentOf } from './assign-rules.ts';
import { capLeft, type Drawn, nextOfPool } from './pools.ts';
import type { Assigned, AssignRefusal, AssignRequest, IssueRefusal, IssueRequest } from './port.ts';
import type { RowIds } from './row-ids.ts';
import { codePlace, type Secrets } from './secrets.ts';
import type { AssignmentRow, DistributionTx } from './store.ts';

export type GivingPorts = {
  readonly secrets: Secrets;
  readonly fleetKey: Uint8Array;
  readonly sealKey: Uint8Array;
  readonly newRowId: RowIds;
  readonly randomBytes: (size: number) => Buffer;
  readonly now: () => number;
};

type Answer = Result<Assigned, AssignRefusal>;
type Issued = Result<Assigned, IssueRefusal>;
/** What is written of whom a coupon is given to. */
type To = Pick<AssignmentRow, 'customer' | 'how' | 'channel' | 'source'> & Pick<AssignRequest, 'personal'>;
const OF_A_SALE = { source: {}, personal: null };

/** Randomness is fetched for so many at once; what is left over was never issued. */
const CODES_MADE_AHEAD = 64;

/**
 * What one transaction gives out. Codes of ours are made as they are needed; codes of stacks come from their pool. At the
 * end of the transaction comes `write`: caps and chains, once for all that was made.
 */
export class Giving {
  readonly #ports: GivingPorts;
  readonly #tx: DistributionTx;
  readonly #campaigns = new Map<string, Campaign | null>();
  readonly #minted = new Map<string, NewCode[]>();
  readonly #poolLeft = new Map<string, number | null>();
  #codes: Code[] = [];

  constructor(ports: GivingPorts, tx: DistributionTx) {
    this.#ports = ports;
    this.#tx = tx;
  }

  async give(request: AssignRequest): Promise<Answer> {
    const campaign = await this.campaign(request.campaign);
    if (campaign === null) return err('unknown_campaign');
    const decision = await this.#decide(campaign, request.customer);
    switch (decision.kind) {
      case 'same':
        return ok(await this.#tell(decision.coupon));
      case 'refused':
        return err(decision.why);
      case 'new': {
        const { personal } = request;
        const out = personal === null ? null : outOfBounds(campaign.card, personal, campaign.personalValueMax);
        return out === null ? this.#giveNew(request, campaign, decision.ordinal) : err({ outOfBounds: out });
      }
    }
  }

  async issue(request: IssueRequest): Promise<Issued> {
    const sale = request.sale === null ? null : { ...request.sale, campaign: request.campaign };
    const before = sale === null ? null : await this.#tx.issueOf(sale);
    if (before !== null) return ok(this.#sameAgain(before.assignment));
    const issued = await this.#issue(request);
    if (sale !== null && issued.ok) await this.#tx.putIssue(sale, issued.value.assignment, this.#ports.now());
    return issued;
  }

  async write(): Promise<void> {
    for (const [id, codes] of this.#minted) {
      const campaign = await this.campaign(id);
      if (campaign !== null) await this.#tx.putCampaign(campaign);
      const news = issueEntries(codes, this.#ports.now(), { campaign: id });
      const heads = await this.#tx.heads(news.map(({ partition }) => partition));
      await this.#tx.noteIssued({ campaign: id, codes, entries: chain(heads, news) });
    }
  }

  /** As it is in this transaction; null: there is no such campaign. */
  async campaign(id: string): Promise<Campaign | null> {
    const known = this.#campaigns.get(id);
    if (known !== undefined) return known;
    const campaign = (await this.#tx.campaigns([id]))[0] ?? null;
    this.#campaigns.set(id, campaign);
    return campaign;
  }

  async #issue({ campaign: id, customer, channel }: IssueRequest): Promise<Issued> {
    const campaign = await this.campaign(id);
    if (campaign === null) return err('unknown_campaign');
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

  async #giveNew(
    to: To,
    campaign: Campaign,
    ordinal: number,
  ): Promise<Result<Assigned, 'none_left' | 'none_left_today'>> {
    const { customer, how, channel, source, personal } = to;
    if (!(await this.#mayGiveToday(to, campaign))) return err('none_left_today');
    const drawn = await this.#nextCode(campaign, personal);
    if (drawn === null) return err('none_left');
    const { secrets, newRowId, now } = this.#ports;
    const assignment = newRowId();
    const link = secrets.linkOf(assignment);
    await this.#tx.putAssignment({
      id: assignment,
      campaign: campaign.id,
      ...{ customer, how, channel, source },
      ordinal,
      codeHash: drawn.hash,
      sealedCode: secrets.seal(drawn.text, codePlace(assignment)),
      linkHash: secrets.hashLink(link),
      at: now(),
      replacedBy: null,
      untold: how === 'basket' && channel === 'till',
    });
    return ok({ assignment, link, isNew: true });
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
    const minted = { ...issuable(this.#ports.fleetKey, code), ...(personal === null ? {} : { personal }) };
    await this.#mint(campaign.id, minted);
    return { hash: minted.hash, text: code };
  }

  /** What was voided or redeemed before anybody had it is passed over, and what a store has already where it must change. */
  async #fromPool(campaign: Campaign, personal: PersonalOffer | null): Promise<Drawn | null> {
    for (;;) {
      const drawn = await nextOfPool(this.#tx, this.#ports, campaign.id);
      this.#poolLeft.delete(campaign.id);
      if (drawn === null) return null;
      const row = (await this.#tx.codes([drawn.hash]))[0];
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
    const codes = new Map(
      (await this.#tx.codes(rows.map(({ codeHash }) => codeHash))).map((code) => [code.hash, code]),
    );
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

  async #mint(campaign: string, code: NewCode): Promise<void> {
    await this.#tx.putCode(campaign, code);
    const codes = this.#minted.get(campaign) ?? [];
    codes.push(code);
    this.#minted.set(campaign, codes);
  }

  async #tell({ assignment, untold }: Mine): Promise<Assigned> {
    if (untold) await this.#tx.told(assignment);
    return this.#sameAgain(assignment);
  }

  #sameAgain(assignment: string): Assigned {
    return { assignment, link: this.#ports.secrets.linkOf(assignment), isNew: false };
  }
}
