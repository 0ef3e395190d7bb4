import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as desk from '../../gateway/lanes/register/desk.ts';
import type * as link from '../../gateway/lanes/register/link.ts';
import type { LrcOptions } from '../../protocol/register-frame/frame.ts';
import type * as registerLine from '../../scripts/register-kit/register-line.ts';
import type * as register from '../../scripts/register-kit/register.ts';
import { type Clock, Wire } from '../../scripts/register-kit/wire.ts';
import type { Edit } from '../traces/broken-designs.ts';
import { codeAt, turn, World } from '../rules/till-world.ts';

/** Registers and gateways on a line without a cable, in a time that passes as fast as it can be computed. */

/** Bytes take so long from one end to the other, in order. */
const LINE_MS = 2;
/** Timers of the till are looked at this often. */
const STEP_MS = 50;

type Timer = { readonly dueMs: number; readonly order: number; readonly run: () => void };

/** Time passes when nothing else is to be done. */
class VirtualTime implements Clock {
  #nowMs = 0;
  #timers: Timer[] = [];
  #order = 0;
  readonly #passed: (ms: number) => Promise<void>;

  constructor(passed: (ms: number) => Promise<void> = turn) {
    this.#passed = passed;
  }

  readonly elapsed = (): number => this.#nowMs;

  readonly after = (delayMs: number, run: () => void): (() => void) => {
    this.#order += 1;
    const timer = { dueMs: this.#nowMs + delayMs, order: this.#order, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    await turn();
    while (!isDone) await this.#step();
    return work;
  }

  async #step(): Promise<void> {
    const [next] = this.#timers.toSorted((one, other) => one.dueMs - other.dueMs || one.order - other.order);
    const ms = Math.min(STEP_MS, (next?.dueMs ?? Number.POSITIVE_INFINITY) - this.#nowMs);
    this.#nowMs += ms;
    if (next !== undefined && next.dueMs <= this.#nowMs) {
      this.#timers = this.#timers.filter((other) => other !== next);
      next.run();
    }
    await this.#passed(ms);
  }
}

/** Two ends; what is written at one arrives at the other. */
function cable(clock: Clock) {
  const at = { gateway: (_: Uint8Array) => {}, register: (_: Uint8Array) => {} };
  const to = (end: keyof typeof at) => (bytes: Uint8Array) => void clock.after(LINE_MS, () => at[end](bytes));
  return { at, toGateway: to('gateway'), toRegister: to('register') };
}

export type Modules = Pick<typeof link, 'makeLink'> &
  Pick<typeof desk, 'askTill'> &
  Pick<typeof register, 'Register'> &
  Pick<typeof registerLine, 'RegisterLine'>;

/** A box with one reserved coupon, and its end of the line. */
export async function gatewayOn(modules: Modules, lrcs: { kit: LrcOptions; gateway: LrcOptions }) {
  const world = new World();
  await world.start();
  await world.connect();
  await world.stock(codeAt(0));
  const clock = new VirtualTime((ms) => world.pass(ms));
  const line = cable(clock);
  const made = modules.makeLink(lrcs.gateway, {
    ...clockOf(clock),
    write: line.toRegister,
    ask: (request, memory) => modules.askTill(request, memory, { till: world.box, currency: 'USD' }),
    tell: () => {},
  });
  line.at.gateway = (bytes) => made.data(bytes);
  const wire = new Wire(line.toGateway, lrcs.kit, clock);
  line.at.register = wire.data;
  return { world, clock, wire, coupon: codeAt(0) };
}

/** The reference register, as it stands or broken, and a wire for the kit at its other end. */
export function registerOn({ Register, RegisterLine }: Modules, lrc: LrcOptions) {
  const clock = new VirtualTime();
  const line = cable(clock);
  const end = new RegisterLine(line.toGateway, lrc, clockOf(clock), () => {});
  line.at.register = end.data;
  const wire = new Wire(line.toRegister, lrc, clock);
  line.at.gateway = wire.data;
  let sales = 0;
  const till = new Register({
    line: end,
    lane: '1',
    newTxn() {
      sales += 1;
      return `0042-1-20261123-${sales}`;
    },
    pause: (ms) => new Promise((done) => clock.after(ms, done)),
  });
  const sell = async (code: string) => (await till.sell(code, 4200)).outcome;
  return { clock, wire, sell };
}

const clockOf = ({ after, elapsed }: Clock): Clock => ({ after, elapsed });

const ROOT = join(import.meta.dirname, '..', '..');
const COPIES = join(ROOT, 'test', '.patched', 'register-kit');

/** @param name of the copy @param edits none: as they stand */
export async function loadModules(name: string, edits: readonly Edit[]): Promise<Modules> {
  const root = edits.length === 0 ? ROOT : patchedCopy(name, edits);
  const from = (path: string) => import(/* @vite-ignore */ pathToFileURL(join(root, path)).href);
  return {
    ...(await from('gateway/lanes/register/link.ts')),
    ...(await from('gateway/lanes/register/desk.ts')),
    ...(await from('scripts/register-kit/register.ts')),
    ...(await from('scripts/register-kit/register-line.ts')),
  };
}

function patchedCopy(name: string, edits: readonly Edit[]): string {
  const copy = join(COPIES, name);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const room of ['protocol', 'gateway/lanes', 'gateway/till/port.ts', 'scripts/register-kit'])
    cpSync(join(ROOT, room), join(copy, room), { recursive: true });
  for (const { file, from, to } of edits) {
    const path = join(copy, file);
    const pieces = readFileSync(path, 'utf8').split(from);
    // A patch that no longer fits would prove nothing.
    if (pieces.length !== 2) throw new Error(`${name}: ${file} holds what is replaced ${pieces.length - 1} times`);
    writeFileSync(path, pieces.join(to));
  }
  return copy;
}

export function removeCopies(): void {
  rmSync(COPIES, { recursive: true, force: true });
}
