import { z } from 'zod';
import {
  type BasketView,
  basketViewSchema,
  type Decision,
  decisionSchema,
  type ReversalView,
  reversalSchema,
} from '../../protocol/redemption-api.ts';
import { type IssueView, issueSchema } from '../../protocol/issue-api.ts';
import type { Call, History } from './history.ts';

/** An HTTP answer as it came. */
export type Answered = {
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
  readonly headers: Headers;
};
/** No answer came: what was asked may have been done. */
export class Unanswered extends Error {}
/** Another answer than the typed one: problem details, mostly. */
export class Refused extends Error {
  readonly status: number;
  readonly type: string;

  constructor(path: string, { status, json, text }: Answered) {
    const problem = problemSchema.safeParse(json);
    super(`${path} answers ${status}: ${text.slice(0, 300)}`);
    this.status = status;
    this.type = problem.success ? problem.data.type : '';
  }
}
const problemSchema = z.object({ type: z.string(), field: z.string().optional() });

export type Request = {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly token?: string;
  /** Sent as JSON; a string goes as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Longer than TEST-SLOW; a process that was stopped does not answer at all. */
const ANSWER_WITHIN_MS = 15_000;

/** @throws Unanswered */
export async function request(url: string, asked: Request = {}): Promise<Answered> {
  const { token, body, method = body === undefined ? 'GET' : 'POST' } = asked;
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...asked.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    return { status: response.status, json: jsonOf(text), text, headers: response.headers };
  } catch (error) {
    throw new Unanswered(`${url} did not answer`, { cause: error });
  }
}

/** `approved`, or `refused: in_use`. */
export const brief = ({ decision, reason }: Decision): string =>
  reason === null ? decision : `${decision}: ${reason}`;

export type Sale = { readonly lane?: string; readonly total?: { amount: number; currency: string } };
const SALE = { lane: '1', total: { amount: 4200, currency: 'USD' } };

/** A caller of one door, every call of which is recorded. */
export class Door {
  /** `gateway:ID` or `cart:CLIENT`, as redemptions name it. */
  readonly id: string;
  readonly url: string;
  readonly #token: string;
  readonly #history: History;

  constructor(door: { id: string; url: string; token: string; history: History }) {
    this.id = door.id;
    this.url = door.url;
    this.#token = door.token;
    this.#history = door.history;
  }

  async validate(code: string, basket: string, sale: Sale = {}): Promise<Decision> {
    return one(await this.#decide('validate', [code], basket, { code, ...SALE, ...sale }));
  }

  async redeem(code: string, basket: string, sale: Sale = {}): Promise<Decision> {
    return one(await this.#decide('redeem', [code], basket, { code, ...SALE, ...sale }));
  }

  validateAll(codes: readonly string[], basket: string, allOrNone: boolean): Promise<Decision[]> {
    return this.#decide('validate', codes, basket, { codes, allOrNone, ...SALE });
  }

  redeemAll(codes: readonly string[], basket: string, allOrNone: boolean): Promise<Decision[]> {
    return this.#decide('redeem', codes, basket, { codes, allOrNone, ...SALE });
  }

  /** @param door where it was redeemed, if not here */
  async reverse(code: string, basket: string, door?: string): Promise<ReversalView> {
    const call = this.#history.invoke({ op: 'reverse', door: door ?? this.id, codes: [code], basket });
    const answer = await this.#send(call, '/v1/reversals', {
      code,
      basket,
      reason: 'test',
      ...(door === undefined ? {} : { door }),
    });
    const reversal = reversalSchema.parse(answer.json);
    this.#history.ok(call, [], reversal);
    return reversal;
  }

  async release(code: string, basket: string): Promise<void> {
    const call = this.#history.invoke({ op: 'release', door: this.id, codes: [code], basket });
    z.object({ released: z.literal(true) }).parse((await this.#send(call, '/v1/releases', { code, basket })).json);
    this.#history.ok(call, [], null);
  }

  /** A coupon for a basket. @throws Refused */
  async issue(campaign: string, basket: string, about: object = {}): Promise<IssueView> {
    const answer = await this.ask('/v1/issues', { body: { campaign, basket, ...about } });
    if (answer.status !== 200) throw new Refused('/v1/issues', answer);
    return issueSchema.parse(answer.json);
  }

  async basket(basket: string): Promise<BasketView> {
    const path = `/v1/baskets/${encodeURIComponent(basket)}`;
    const answer = await this.ask(path);
    if (answer.status !== 200) throw new Refused(path, answer);
    return basketViewSchema.parse(answer.json);
  }

  /** Any request with this door's token, unrecorded. */
  ask(path: string, asked: Request = {}): Promise<Answered> {
    return request(`${this.url}${path}`, { token: this.#token, ...asked });
  }

  async #decide(
    op: 'validate' | 'redeem',
    codes: readonly string[],
    basket: string,
    body: object,
  ): Promise<Decision[]> {
    const call = this.#history.invoke({ op, door: this.id, codes, basket });
    const path = op === 'validate' ? '/v1/validations' : '/v1/redemptions';
    const answer = await this.#send(call, path, { basket, ...body });
    const many = z.object({ results: z.array(decisionSchema) }).safeParse(answer.json);
    const decisions = many.success ? many.data.results : [decisionSchema.parse(answer.json)];
    this.#history.ok(call, decisions, null);
    return decisions;
  }

  async #send(call: Call, path: string, body: unknown): Promise<Answered> {
    const answer = await this.ask(path, { body });
    if (answer.status === 200) return answer;
    const refused = new Refused(path, answer);
    // Only 4xx says that nothing was done.
    if (answer.status < 500) this.#history.fail(call, answer.status, refused.type);
    throw refused;
  }
}

function one(decisions: readonly Decision[]): Decision {
  const [decision] = decisions;
  if (decision === undefined || decisions.length > 1) throw new Error(`${decisions.length} decisions for one code`);
  return decision;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
