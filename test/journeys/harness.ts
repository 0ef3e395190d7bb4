import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { z } from 'zod';
import { type Demo, readDemo } from '../../scripts/start/demo.ts';
import { type Answered, Door, Refused, type Request, request } from './calls.ts';
import { History, violations } from './history.ts';
import { freePorts, Process, START, tearline, until } from './processes.ts';

/** The whole system as `npm start` starts it, with callers at all its doors. */
export class Town {
  readonly folder: string;
  readonly history = new History();
  readonly cart: Door;
  readonly stores: readonly [Store, Store];
  #start: Process;
  readonly #portBase: number;
  readonly #pids = new Set<number>();
  #baskets = 0;

  private constructor(folder: string, start: Process, portBase: number) {
    this.folder = folder;
    this.#start = start;
    this.#portBase = portBase;
    const { cloud, cartToken, gateways } = this.demo();
    const { history } = this;
    this.cart = new Door({ id: 'cart:demo-shop', url: cloud, token: cartToken, history });
    const [first, second] = gateways.map((gateway) => new Store(gateway, history));
    if (first === undefined || second === undefined) throw new Error('the demo has no two gateways');
    this.stores = [first, second];
  }

  /** Starts it and waits until both lines are up. Whoever calls this calls `end`. */
  static async start(): Promise<Town> {
    const folder = mkdtempSync(join(tmpdir(), 'tearline-town-'));
    const portBase = await freePorts(6);
    const start = npmStart(folder, portBase);
    try {
      await isUp(start);
      const town = new Town(folder, start, portBase);
      await town.linesAreUp();
      return town;
    } catch (error) {
      await start.stop('SIGINT');
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ctrl-C. @returns the supervisor's status, and what the children wrote last */
  async stop(): Promise<{ status: number | null; logs: string }> {
    const status = await this.#start.stop('SIGINT');
    const logs = ['cloud', ...this.stores.map(({ store }) => `store-${store}`)].map((name) => this.log(name));
    return { status, logs: logs.join('\n') };
  }

  /** On the same data and ports. */
  async startAgain(): Promise<void> {
    this.#start = npmStart(this.folder, this.#portBase);
    await isUp(this.#start);
  }

  /** As it is now: a child that died is there again under another pid. */
  demo(): Demo {
    const demo = readDemo(this.folder);
    if (demo === null) throw new Error(`${this.folder} holds no demo`);
    for (const pid of [demo.cloudPid, ...demo.gateways.map((gateway) => gateway.pid)]) this.#pids.add(pid);
    return demo;
  }

  /** A basket that no test has used. */
  basket(): string {
    this.#baskets += 1;
    return `b-${this.#baskets}`;
  }

  /** @throws Refused where the status is not one of success */
  async admin<T>(path: string, schema: z.ZodType<T>, asked: Request = {}): Promise<T> {
    const answer = await this.askAdmin(path, asked);
    if (answer.status >= 300) throw new Refused(path, answer);
    return schema.parse(answer.json);
  }

  askAdmin(path: string, asked: Request = {}): Promise<Answered> {
    const { cloud, adminToken } = this.demo();
    return request(`${cloud}${path}`, { token: adminToken, ...asked });
  }

  /** New codes of the demo's campaign, which anyone may have. */
  async newCodes(count: number, campaign = this.demo().campaign): Promise<string[]> {
    const stack = await this.admin(`/v1/campaigns/${campaign}/stacks`, z.object({ id: z.string() }), {
      body: { count },
    });
    const { text } = await this.askAdmin(`/v1/stacks/${stack.id}/codes.csv`);
    return text.trim().split('\n').slice(1);
  }

  /** Reserved in that store when it resolves. */
  async stock({ store, holds }: Store, codes: readonly string[]): Promise<void> {
    const before = await holds();
    const stocked = z.object({ granted: z.int(), refused: z.array(z.unknown()) });
    const answer = await this.admin(`/v1/stores/${store}/stock`, stocked, { body: { codes } });
    if (answer.granted !== codes.length) throw new Error(`not all stocked: ${JSON.stringify(answer)}`);
    await until('the stock has arrived', async () => (await holds()) >= before + codes.length);
  }

  /** What the ledger says of a code, to a desk. */
  readonly look = async (code: string): Promise<z.infer<typeof lookSchema>> => {
    const { cloud, deskToken } = this.demo();
    const answer = await request(`${cloud}/v1/codes/${encodeURIComponent(code)}`, { token: deskToken });
    if (answer.status !== 200) throw new Refused('/v1/codes', answer);
    return lookSchema.parse(answer.json);
  };

  /** The box as operations see it. */
  async boxOf({ gateway }: Store): Promise<z.infer<typeof boxSchema> | undefined> {
    const { gateways } = await this.admin('/v1/gateways', z.object({ gateways: z.array(boxSchema) }));
    return gateways.find(({ id }) => id === gateway);
  }

  /** What did not fit about that box, in words. */
  async exceptionsOf({ gateway }: Store): Promise<string[]> {
    const about = z.object({ what: z.string(), gateway: z.string().nullable() });
    const { exceptions } = await this.admin('/v1/exceptions', z.object({ exceptions: z.array(about) }));
    return exceptions.filter((exception) => exception.gateway === gateway).map(({ what }) => what);
  }

  async linesAreUp(): Promise<void> {
    for (const store of this.stores) await store.lineIs('up');
  }

  /** Lines up, every journal entry in the ledger. */
  async settled(): Promise<void> {
    await this.linesAreUp();
    for (const store of this.stores)
      await until(
        `store ${store.store} has settled`,
        async () => (await store.metric('tearline_backlog_entries')) === 0,
      );
  }

  /** What must hold at the end of every journey. @returns the violations, none where all is well */
  async judge(): Promise<string[]> {
    await this.settled();
    return [
      ...violations(this.history),
      ...(await this.notInLedger()),
      ...(await this.#notRepeated()),
      ...(await this.#brokenChains()),
      ...this.#secretsInLogs(),
    ];
  }

  /** Stops all that it started, and removes it. */
  async end(): Promise<void> {
    await this.#start.stop('SIGINT');
    // Only where the supervisor itself did not end well.
    for (const pid of this.#pids) if (this.#isOurs(pid)) signal(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  log(name: string): string {
    return readFileSync(join(this.folder, 'logs', `${name}.log`), 'utf8');
  }

  auditLedger() {
    return tearline(['audit', 'verify', '--data', join(this.folder, 'cloud')]);
  }

  /** A pid may have become another's since. */
  #isOurs(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.folder);
    } catch {
      return false;
    }
  }

  /** An approval that stands is a redemption in the ledger, and the same one. @param isMeant told a code's normal form */
  async notInLedger(isMeant: (code: string) => boolean = () => true): Promise<string[]> {
    const told = this.history
      .standing()
      .filter(({ code }) => isMeant(code))
      .map(async ({ code, redemption }) => {
        const { state, redemption: known } = await this.look(code);
        if (state === 'redeemed' && known?.id === redemption.id && known.settled) return [];
        return [`${code} was shown as redeemed (${redemption.id}) and is ${state} (${known?.id})`];
      });
    return (await Promise.all(told)).flat();
  }

  /** An approval that stands is shown again, with the same redemption, to whoever asks again. */
  async #notRepeated(): Promise<string[]> {
    const doors = new Map([this.cart, ...this.stores].map((door) => [door.id, door]));
    const repeated = this.history.standing().map(async ({ door, code, basket, redemption }) => {
      const view = await doors.get(door)?.basket(basket);
      const shown = view?.codes.some((row) => row.redemption?.id === redemption.id && row.state === 'redeemed');
      return shown ? [] : [`${door} no longer shows ${basket} of ${code} as redeemed`];
    });
    return (await Promise.all(repeated)).flat();
  }

  /** A code is money, a token is a right: neither is in a log, however it was typed. */
  #secretsInLogs(): string[] {
    const { adminToken, cartToken, deskToken, gateways } = this.demo();
    const tokens = [adminToken, cartToken, deskToken, ...gateways.flatMap((box) => [box.registerToken, box.boxToken])];
    const codes = this.history.codes().flatMap((code) => [code, code.match(/.{4}/g)?.join('-') ?? code]);
    return ['cloud', ...this.stores.map(({ store }) => `store-${store}`)].flatMap((name) => {
      const log = this.log(name);
      return [...tokens, ...codes].flatMap((secret) => (log.includes(secret) ? [`${secret} is in ${name}.log`] : []));
    });
  }

  async #brokenChains(): Promise<string[]> {
    const audits = [this.auditLedger(), ...this.stores.map((store) => store.audit())];
    return (await Promise.all(audits)).flatMap(({ status, stdout, stderr }) =>
      status === 0 ? [] : [`${stdout}${stderr}`],
    );
  }
}

const npmStart = (folder: string, portBase: number): Process =>
  new Process(START, ['--data', folder, '--port-base', `${portBase}`]);

async function isUp(start: Process): Promise<void> {
  await until('the demo is up', async () => {
    if (start.stdout.includes('Tearline is up')) return true;
    // Thrown here, it would be tried again.
    return start.hasEnded ? 'ended' : false;
  });
  if (start.hasEnded) throw new Error(start.stderr);
}

/** A copy of a data directory that runs, its database as of one moment: a backup. */
export async function backUp(directory: string, copy: string): Promise<void> {
  cpSync(directory, copy, { recursive: true, filter: (path) => !/\.(db|sqlite)(-\w+)?$/.test(path) });
  for (const name of ['till.db', 'ledger.sqlite']) {
    if (!existsSync(join(directory, name))) continue;
    const database = new Sqlite(join(directory, name), { readonly: true });
    await database.backup(join(copy, name));
    database.close();
  }
}

/** A register at one store's gateway, and what store IT sees of it. */
export class Store extends Door {
  readonly store: string;
  readonly dataDir: string;
  readonly #boxToken: string;

  constructor({ url, store, registerToken, boxToken, dataDir }: Demo['gateways'][number], history: History) {
    const { gateway } = z
      .object({ gateway: z.string() })
      .parse(JSON.parse(readFileSync(join(dataDir, 'identity.json'), 'utf8')));
    super({ id: `gateway:${gateway}`, url, token: registerToken, history });
    this.store = store;
    this.dataDir = dataDir;
    this.#boxToken = boxToken;
  }

  get gateway(): string {
    return this.id.slice('gateway:'.length);
  }

  readonly holds = (): Promise<number> => this.metric('tearline_holding_coupons');

  async readiness(): Promise<z.infer<typeof readinessSchema>> {
    return readinessSchema.parse((await this.ask('/readyz')).json);
  }

  async isState(state: 'validated' | 'disagreement' | 'fenced'): Promise<void> {
    await until(`store ${this.store} is ${state}`, async () => (await this.readiness()).state === state);
  }

  async lineIs(line: 'up' | 'down'): Promise<void> {
    await until(`the line of store ${this.store} is ${line}`, async () => (await this.readiness()).line === line);
  }

  async drill(line: 'cut' | 'open'): Promise<void> {
    const answer = await this.ask('/v1/drill', { token: this.#boxToken, body: { line, minutes: 15 } });
    if (answer.status !== 200) throw new Refused('/v1/drill', answer);
  }

  /** What this box knows of a code, to a desk; null: nothing. */
  async lookAt(code: string): Promise<{ state: string } | null> {
    const answer = await this.ask(`/v1/codes/${encodeURIComponent(code)}`, { token: this.#boxToken });
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw new Refused('/v1/codes', answer);
    return z.object({ state: z.string() }).parse(answer.json);
  }

  async metric(name: string): Promise<number> {
    const { text } = await this.ask('/metrics');
    const line = text.split('\n').find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
    if (line === undefined) throw new Error(`there is no metric ${name}`);
    return Number(line.split(' ').at(-1));
  }

  audit() {
    return tearline(['audit', 'verify', '--gateway', this.dataDir]);
  }
}

const readinessSchema = z.object({ ready: z.boolean(), state: z.string(), line: z.enum(['up', 'down']) });
const sumSchema = z.object({ units: z.int(), value: z.int() });
const boxSchema = z.object({
  id: z.string(),
  state: z.string(),
  connected: z.boolean(),
  epoch: z.int(),
  holds: sumSchema,
  inDoubt: sumSchema,
  drillUntil: z.string().nullable(),
});
const lookSchema = z.object({
  state: z.string(),
  holder: z.string().nullable(),
  redemption: z
    .object({ id: z.string(), door: z.string(), store: z.string().nullable(), settled: z.boolean() })
    .nullable(),
  history: z.array(z.object({ what: z.string() })),
});

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
