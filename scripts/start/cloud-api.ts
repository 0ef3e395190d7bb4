import pRetry from 'p-retry';
import type { z } from 'zod';

/** Tries again for about ten seconds: what is being started needs a moment. */
export function soon<T>(work: () => Promise<T>): Promise<T> {
  return pRetry(work, { retries: 100, factor: 1, minTimeout: 100, maxTimeout: 100, shouldRetry: () => true });
}

/** The administrator's calls that the demo needs. */
export class CloudApi {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async ready(): Promise<void> {
    await soon(async () => {
      const answer = await fetch(`${this.#url}/readyz`);
      if (!answer.ok) throw new Error(`the cloud at ${this.#url} is not ready: ${answer.status}`);
    });
  }

  /** @param unlessThere a conflict means that an earlier start made it */
  async post<T>(path: string, body: unknown, schema: z.ZodType<T>, unlessThere?: T): Promise<T> {
    const answer = await fetch(`${this.#url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.status === 409 && unlessThere !== undefined) return unlessThere;
    return this.#read(answer, path, schema);
  }

  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return this.#read(
      await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${this.#token}` } }),
      path,
      schema,
    );
  }

  async text(path: string): Promise<string> {
    const answer = await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${this.#token}` } });
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
    return answer.text();
  }

  async #read<T>(answer: Response, path: string, schema: z.ZodType<T>): Promise<T> {
    const json: unknown = await answer.json();
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${JSON.stringify(json)}`);
    return schema.parse(json);
  }
}
