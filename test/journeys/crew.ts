import { join } from 'node:path';
import { request } from './calls.ts';
import type { Town } from './harness.ts';
import { type Env, Process, until } from './processes.ts';

/** The three processes of a town, started one by one through the test entries that know the crash points. */
export type Member = 'cloud' | 'store-0001' | 'store-0002';
/** Die when this point is passed for the so-manieth time. */
export type Crash = { readonly point: string; readonly hit: number };

const entries = join(import.meta.dirname, '..', 'crash');

export class Crew {
  readonly #town: Town;
  readonly #running = new Map<Member, Process>();

  /** @param town stopped: its data and ports are taken over */
  constructor(town: Town) {
    this.#town = town;
  }

  async start(): Promise<void> {
    for (const name of ['cloud', 'store-0001', 'store-0002'] as const) {
      this.#spawn(name, {});
      await this.#serves(name);
    }
  }

  /** That process is killed and started again such that it will die; when it has, it is started once more, without. */
  async doom(name: Member, { point, hit }: Crash): Promise<Doomed> {
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
  async spare(name: Member): Promise<void> {
    await this.#kill(name);
    this.#spawn(name, {});
    await this.#serves(name);
  }

  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map((process) => process.stop()));
  }

  async #kill(name: Member): Promise<void> {
    const before = this.#running.get(name);
    // Else its end would be taken for a death to mend.
    this.#running.delete(name);
    await before?.stop('SIGKILL');
  }

  #spawn(name: Member, crash: Env): Process {
    const { cloud, gateways } = this.#town.demo();
    const port = Number(new URL(cloud).port);
    const box = gateways.find(({ store }) => name === `store-${store}`);
    const env =
      box === undefined
        ? { TEARLINE_CLOUD_PORT: `${port}`, TEARLINE_CLOUD_URL: cloud, TEARLINE_BROKER_PORT: `${port + 3}` }
        : { TEARLINE_GATEWAY_PORT: new URL(box.url).port };
    const entry = join(entries, box === undefined ? 'cloud.ts' : 'gateway.ts');
    const spawned = new Process(entry, [box?.dataDir ?? join(this.#town.folder, 'cloud')], { ...env, ...crash });
    this.#running.set(name, spawned);
    return spawned;
  }

  async #serves(name: Member): Promise<void> {
    const { cloud, gateways } = this.#town.demo();
    const url = name === 'cloud' ? cloud : gateways.find(({ store }) => name === `store-${store}`)?.url;
    const process = this.#running.get(name);
    await until(`${name} serves`, async () => {
      if (process?.hasEnded) return true;
      return (await request(`${url}/healthz`)).status === 200;
    });
  }
}

const lastOf = ({ stdout, stderr }: Process): string => `${stdout}${stderr}`.slice(-2_000);

export type Doomed = {
  readonly hasEnded: () => boolean;
  readonly hasDied: () => boolean;
  readonly complaint: () => string | null;
  readonly servesAgain: () => Promise<void>;
};
