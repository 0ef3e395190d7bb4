import { Agent, request } from 'node:http';

/** A register at its gateway: one connection that is kept, one call after another. */
export class HttpClient {
  readonly #agent: Agent;
  readonly #port: number;
  readonly #token: string;

  /** @param connections calls under way at once */
  constructor(port: number, token: string, connections = 1) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#port = port;
    this.#token = token;
  }

  /** @returns the answer's JSON, and the milliseconds until its last byte @throws on any status but 200 */
  post(path: string, body: unknown): Promise<{ readonly ms: number; readonly json: unknown }> {
    const payload = JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.#token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
    };
    return new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const call = request(
        { host: '127.0.0.1', port: this.#port, method: 'POST', path, agent: this.#agent, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const ms = performance.now() - startedAt;
            const text = Buffer.concat(chunks).toString('utf8');
            if (response.statusCode === 200) resolve({ ms, json: JSON.parse(text) });
            else reject(new Error(`${path} answers ${response.statusCode}: ${text}`));
          });
        },
      );
      call.on('error', reject);
      call.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
