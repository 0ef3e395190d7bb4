import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** The administrator's calls that the demo needs. */
export class CloudApi {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async ready(): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const answer = await fetch(`${this.#url}/readyz`).catch(() => null);
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`the cloud at ${this.#url} does not become ready`);
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
    return this.#read(await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${this.#token}` } }), path, schema);
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
