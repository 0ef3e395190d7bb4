import { type Card, validityIn } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import {
  type IssueReason,
  type IssueRequest,
  type IssueView,
  issuedView,
  issueRoute,
  noCoupon,
} from '../../protocol/issue-api.ts';
import { type Problem, problem } from '../../protocol/problem.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { parseCustomerNumber } from '../distribution/identity.ts';
import type { Coupon, Distribution, IssueRefusal } from '../distribution/port.ts';
import { cartDoor } from '../ledger/cart-rules.ts';
import { type Endpoint, withBody } from './http.ts';
import { type IdempotencyStore, keyProblem } from './idempotency.ts';

export type IssueDoorParts = {
  readonly distribution: Pick<Distribution, 'person' | 'issue' | 'coupon'>;
  /** The campaign's card as it is for this code: an offer may be personal. Null: no such code. */
  readonly cardOf: (code: CodeHash) => Promise<Card | null>;
  readonly idempotency: IdempotencyStore;
  /** Of the face of a coupon. */
  readonly faceUrl: (link: string) => string;
  readonly now: () => number;
};

/** A cart gives a coupon to its basket [I1]; the ledger is at hand, so it is made at once. */
export function issueDoor(parts: IssueDoorParts): Endpoint[] {
  const operation = { ...issueRoute, scope: 'cart', tag: 'Carts' } as const;
  return [
    withBody(operation, async (call) => {
      const refusal = await keyProblem(parts.idempotency, 'issue', call, parts.now());
      return refusal === null ? issue(parts, call.client, call.body) : err(refusal);
    }),
  ];
}

async function issue(
  parts: IssueDoorParts,
  client: string,
  { campaign, basket, customer }: IssueRequest,
): Promise<Result<IssueView, Problem>> {
  const person = customer === undefined ? ok(null) : await personOf(parts, customer);
  if (!person.ok) return person;
  const sale = { door: cartDoor(client), basket };
  const issued = await parts.distribution.issue({ campaign, customer: person.value, channel: 'online', sale });
  if (!issued.ok) return ok(noCoupon(basket, reasonOf(issued.error)));
  return ok(await viewOf(parts, basket, issued.value.assignment));
}

async function personOf({ distribution }: IssueDoorParts, customer: string): Promise<Result<string, Problem>> {
  const number = parseCustomerNumber(customer);
  if (!number.ok) return err(problem('invalid_request', { field: 'customer', detail: number.error }));
  return ok(await distribution.person([{ identity: number.value, verified: false }], {}));
}

async function viewOf(parts: IssueDoorParts, basket: string, assignment: string): Promise<IssueView> {
  const coupon = await standing(parts, assignment);
  const card = await parts.cardOf(coupon.codeHash);
  if (card === null) throw new Error(`the code of the assignment ${assignment} is missing`);
  return issuedView({
    basket,
    code: coupon.code(),
    link: parts.faceUrl(coupon.link),
    offer: card.offer,
    until: validityIn(card, card.timeZone).endsAt,
  });
}

/** Where two persons turned out to be one, the coupon that stayed. */
async function standing(parts: IssueDoorParts, assignment: string): Promise<Coupon> {
  const coupon = await parts.distribution.coupon(assignment);
  if (coupon === null) throw new Error(`no assignment ${assignment}`);
  return coupon.replacedBy === null ? coupon : standing(parts, coupon.replacedBy);
}

const reasonOf = (refusal: IssueRefusal): IssueReason => (refusal === 'ended' ? 'campaign_ended' : refusal);
