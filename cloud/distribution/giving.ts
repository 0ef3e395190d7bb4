import { validityIn } from '../../protocol/card.ts';
import { type Code, makeCodes } from '../../protocol/code.ts';
import { dayIn } from '../../protocol/dates.ts';
import { faceValue, type PersonalOffer } from '../../protocol/offer.ts';
import { outOfBounds, ownValue } from '../../protocol/personal-offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { issuable, takeCap } from '../issuing/issuable.ts';
import { issueEntries } from '../issuing/issue-entries.ts';
import { chain } from '../ledger/chain.ts';
import { setPersonal } from '../ledger/personalising.ts';
import type { Campaign } from '../ledger/port.ts';
import type { NewCode } from '../ledger/store.ts';
import { decideAssignment, type Mine } from './assign-rules.ts';
import { capLeft, type Drawn, nextOfPool } from './pools.ts';
import type { Assigned, AssignRefusal, AssignRequest } from './port.ts';
import type { RowIds } from './row-ids.ts';
import { codePlace, type Secrets } from './secrets.ts';
import type { DistributionTx } from './store.ts';

export type GivingPorts = {
  readonly secrets: Secrets;
  readonly fleetKey: Uint8Array;
  readonly sealKey: Uint8Array;
  readonly newRowId: RowIds;
  readonly randomBytes: (size: number) => Buffer;
  readonly now: () => number;
};

type Answer = Result<Assigned, AssignRefusal>;

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
    const { sale, campaign } = request;
    if (sale === undefined) return this.#give(request);
    const issued = await this.#tx.issueOf({ ...sale, campaign });
    if (issued !== null) return ok(this.#sameAgain(issued.assignment));
    const given = await this.#give(request);
    if (given.ok) await this.#tx.putIssue({ ...sale, campaign }, given.value.assignment, this.#ports.now());
    return given;
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

  async #give(request: AssignRequest): Promise<Answer> {
    const campaign = await this.campaign(request.campaign);
    if (campaign === null) return err('unknown_campaign');
    const mine = request.customer === null ? [] : await this.#mine(campaign.id, request.customer);
    const decision = decideAssignment(mine, {
      perCustomer: campaign.perCustomer,
      ended: validityIn(campaign.card, campaign.card.timeZone).endsAt <= this.#ports.now(),
      left: (await this.#pool(campaign.id)) ?? capLeft(campaign),
    });
    switch (decision.kind) {
      case 'same':
        return ok(this.#sameAgain(decision.assignment));
      case 'refused':
        return err(decision.why);
      case 'new':
        return this.#giveNew(request, campaign, decision.ordinal);
    }
  }

  async #giveNew(request: AssignRequest, campaign: Campaign, ordinal: number): Promise<Answer> {
    const { personal } = request;
    const out = personal === null ? null : outOfBounds(campaign.card, personal, campaign.personalValueMax);
    if (out !== null) return err({ outOfBounds: out });
    if (!(await this.#mayGiveToday(request, campaign))) return err('none_left_today');
    const drawn = await this.#nextCode(campaign, personal);
    if (drawn === null) return err('none_left');
    const { secrets, newRowId, now } = this.#ports;
    const assignment = newRowId();
    const link = secrets.linkOf(assignment);
    await this.#tx.putAssignment({
      id: assignment,
      campaign: campaign.id,
      customer: request.customer,
      ordinal,
      codeHash: drawn.hash,
      sealedCode: secrets.seal(drawn.text, codePlace(assignment)),
      linkHash: secrets.hashLink(link),
      how: request.how,
      channel: request.channel,
      source: request.source,
      at: now(),
      replacedBy: null,
    });
    return ok({ assignment, link, isNew: true });
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

  async #mine(campaign: string, customer: string): Promise<Mine[]> {
    const rows = await this.#tx.assignmentsOf(campaign, customer);
    const states = new Map((await this.#tx.codes(rows.map(({ codeHash }) => codeHash))).map((c) => [c.hash, c.state]));
    return rows.map(({ id, ordinal, codeHash, replacedBy }) => {
      const state = states.get(codeHash);
      if (state === undefined) throw new Error(`the code of the assignment ${id} is missing`);
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

  async #mint(campaign: string, code: NewCode): Promise<void> {
    await this.#tx.putCode(campaign, code);
    const codes = this.#minted.get(campaign) ?? [];
    codes.push(code);
    this.#minted.set(campaign, codes);
  }

  #sameAgain(assignment: string): Assigned {
    return { assignment, link: this.#ports.secrets.linkOf(assignment), isNew: false };
  }
}
