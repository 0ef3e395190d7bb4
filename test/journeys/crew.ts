import { join } from 'node:path';
import { request } from './calls.ts';
import type { Town } from './harness.ts';
import { type Env, Process, until } from './processes.ts';

/** The processes of a town, started one by one through the test entries that know the crash points. */
type Member = {
  readonly entry: 'cloud.ts' | 'gateway.ts';
  readonly data: string;
  readonly url: string;
  readonly env: Env;
};
/** Die when this point is passed for the so-manieth time. */
export type Crash = { readonly point: string; readonly hit: number };

const entries = join(import.meta.dirname, '..', 'crash');

export class Crew {
  readonly #members = new Map<string, Member>();
  readonly #running = new Map<string, Process>();

  /** Starts `cloud`, `store-0001` and `store-0002`. @param town stopped: its data and ports are taken over */
  async start(town: Town): Promise<void> {
    const { cloud, gateways } = town.demo();
    const port = Number(new URL(cloud).port);
    await this.#join('cloud', {
      entry: 'cloud.ts',
      data: join(town.folder, 'cloud'),
      url: cloud,
      env: {
        TEARLINE_CLOUD_PORT: `${port}`,
        TEARLINE_CLOUD_URL: cloud,
        TEARLINE_BROKER_PORT: `${port + 3}`,
      },
    });
    for (const { store, dataDir, url } of gateways) await this.joinBox(`store-${store}`, dataDir, url);
  }

  /** One more enrolled box is started. @returns when it serves */
  async joinBox(name: string, data: string, url: string): Promise<void> {
    await this.#join(name, { entry: 'gateway.ts', data, url, env: { TEARLINE_GATEWAY_PORT: new URL(url).port } });
  }

  async leave(name: string): Promise<void> {
    await this.#kill(name);
    this.#members.delete(name);
  }

  /** That process is killed and started again such that it will die; when it has, it is started once more, without. */
  async doom(name: string, { point, hit }: Crash): Promise<Doomed> {
    await this.#kill(name);
    const doomed = this.#spawn(name, { CRASH_POINT: point, CRASH_HIT: `${hit}` });
    const again = doomed.ended().then(async () => {
      if (this.#running.get(name) !== doomed) return;
      this.#spawn(name, {});
      await this.#serves(name);
    });
    return {
      hasEnded: () => doomed.hasEnded,
      hasDied: () => doomed.stderr.includes(`crashed at ${point}\n`) && doomed.signal === 'SIGKILL',
      /** What else ended it. */
      complaint: () => (doomed.hasEnded && doomed.signal !== 'SIGKILL' ? lastOf(doomed) : null),
      servesAgain: () => (doomed.hasEnded ? again : Promise.resolve()),
    };
  }

  /** That process is killed, and started again such that it lives. */
  async spare(name: string): Promise<void> {
    await this.#kill(name);
    this.#spawn(name, {});
    await this.#serves(name);
  }

  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map((process) => process.stop()));
  }

  async #kill(name: string): Promise<void> {
    const before = this.#running.get(name);
    // Else its end would be taken for a death to mend.
    this.#running.delete(name);
    await before?.stop('SIGKILL');
  }

  async #join(name: string, member: Member): Promise<void> {
    this.#members.set(name, member);
    this.#spawn(name, {});
    await this.#serves(name);
  }

  #spawn(name: string, crash: Env): Process {
    const { entry, data, env } = this.#member(name);
    const spawned = new Process(join(entries, entry), [data], { ...env, ...crash });
    this.#running.set(name, spawned);
    return spawned;
  }

  async #serves(name: string): Promise<void> {
    const { url } = this.#member(name);
    const process = this.#running.get(name);
    await until(`${name} serves`, async () => {
      if (process?.hasEnded) return true;
      return (await request(`${url}/healthz`)).status === 200;
    });
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`nobody is called ${name}`);
    return member;
  }
}

const lastOf = ({ stdout, stderr }: Process): string => `${stdout}${stderr}`.slice(-2_000);

export type Doomed = {
  readonly hasEnded: () => boolean;
  readonly hasDied: () => boolean;
  readonly complaint: () => string | null;
  readonly servesAgain: () => Promise<void>;
};
