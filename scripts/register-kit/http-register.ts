import type { z } from 'zod';
import { type Decision, decisionSchema } from '../../protocol/redemption-api.ts';
import { expect, Failed } from './check.ts';

/** Longer than TEST-SLOW takes. */
const ANSWER_WITHIN_MS = 10_000;
const BRIEF_CHARACTERS = 200;

export type Answered = { readonly status: number; readonly json: unknown; readonly brief: string };
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A register that calls the gateway over HTTP. */
export class HttpRegister {
  /** A basket of this check's own. */
  readonly basket: string;
  readonly #url: string;
  readonly #token: string;
  readonly #fetch: Fetch;

  constructor(about: { url: string; token: string; basket: string; fetch: Fetch }) {
    this.basket = about.basket;
    this.#url = about.url.replace(/\/+$/, '');
    this.#token = about.token;
    this.#fetch = about.fetch;
  }

  /** Nothing is under way between two calls. */
  async finish(): Promise<void> {}

  sale(code: string, changes: object = {}): object {
    return { code, basket: this.basket, lane: '1', total: { amount: 4200, currency: 'USD' }, ...changes };
  }

  validate(code: string, changes: object = {}): Promise<Decision> {
    return this.#decide('/v1/validations', this.sale(code, changes));
  }

  redeem(code: string, changes: object = {}): Promise<Decision> {
    return this.#decide('/v1/redemptions', this.sale(code, changes));
  }

  /** @param token another one than the register's own; null: none @throws Failed where no answer comes */
  async call(path: string, body: unknown = null, token: string | null = this.#token): Promise<Answered> {
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    };
    const init = body === null ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(body) };
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await this.#fetch(`${this.#url}${path}`, { ...init, headers, signal });
      const text = await response.text();
      return {
        status: response.status,
        json: jsonOf(text),
        brief: `${response.status} ${text.slice(0, BRIEF_CHARACTERS)}`,
      };
    } catch (error) {
      throw new Failed(`an answer of ${path}`, error instanceof Error ? error.message : 'none');
    }
  }

  /** @throws Failed unless it answers 200 with this form */
  async good<T>(path: string, schema: z.ZodType<T>, body: unknown = null): Promise<T> {
    const answered = await this.call(path, body);
    const read = schema.safeParse(answered.json);
    if (answered.status === 200 && read.success) return read.data;
    throw new Failed(`200 and the answer of ${path} as its schema has it`, answered.brief);
  }

  #decide(path: string, body: object): Promise<Decision> {
    return this.good(path, decisionSchema, body);
  }
}

/** @throws Failed unless the decision is this one: `approved`, or `refused: in_use` */
export function expectDecision({ decision, reason, text }: Decision, expected: string, what: string): void {
  const came = reason === null ? decision : `${decision}: ${reason}`;
  expect(came === expected, `${expected} for ${what}`, `${came} (${text})`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
