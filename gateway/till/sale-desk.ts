import { type CodeHash, hashCustomer } from '../../protocol/code.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { TEST_SLOW_MS } from '../../protocol/test-codes.ts';
import { type Bench, run, viewOf } from './bench.ts';
import type { Told, Want } from './box-rules.ts';
import { hasDuplicate, itemOf, type Read, readForm } from './forms.ts';
import { wantBody } from './message-rules.ts';
import { type Conflict, type Line, type SaleRequest, TillUnavailable } from './port.ts';
import { decideSale, type SaleAnswer, type SaleCommand, type Verdict } from './sale-rules.ts';
import { decideWantDeadline } from './upkeep-rules.ts';
import { decisionView } from './views.ts';

export type SaleDeskPorts = {
  readonly line: Line;
  /** A random id of 8 to 40 characters, never given twice. */
  readonly newId: () => string;
  /** Runs it when the present turn of the event loop is over. */
  readonly defer: (run: () => void) => void;
  /** Runs it after so many milliseconds. @returns what calls it off */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
  readonly fleetKey: Uint8Array;
  readonly reserveDeadlineMs: number;
};

/** Where sales are answered: what is known here at once, the rest when the cloud has told or its time is over. */
export class SaleDesk {
  readonly #bench: Bench;
  readonly #ports: SaleDeskPorts;
  readonly #asked = new Map<string, Asked>();
  readonly #timers = new Set<() => void>();

  constructor(bench: Bench, ports: SaleDeskPorts) {
    this.#bench = bench;
    this.#ports = ports;
  }

  async sell(intent: SaleCommand['intent'], request: SaleRequest): Promise<Result<Decision[], Conflict>> {
    if (this.#bench.work.session.standing === 'starting') throw new TillUnavailable('the witness cannot be written');
    const forms = this.#bench.store.forms();
    const reads = request.codes.map((raw) => readForm(this.#ports.fleetKey, raw, forms));
    if (hasDuplicate(reads)) return err('duplicate_code');
    if (reads.some((read) => read.kind === 'test' && read.reason === 'slow')) await this.#pause(TEST_SLOW_MS);
    const answer = await this.#decide(intent, request, reads);
    if (answer.kind === 'basket_conflict') return err('basket_conflict');
    return ok(this.#views(request.basket, reads, answer.verdicts));
  }

  /** Sends a want and counts its time. Where the line turns out to be down nobody waits for it. */
  ask(want: Want): void {
    const isSent = this.#ports.line.send({ type: 'want', body: wantBody(want) });
    const callOff = this.#after(want.waitMs, () => this.#giveUp(want.want));
    this.#asked.set(want.want, { ...Promise.withResolvers<Told | null>(), callOff });
    if (!isSent) this.#giveUp(want.want);
  }

  /** Known until the turn is over: a sale of the same batch may not have begun to wait for it. */
  answered(want: string, told: Told | null): void {
    const asked = this.#asked.get(want);
    asked?.callOff();
    asked?.resolve(told);
    this.#ports.defer(() => this.#asked.delete(want));
  }

  close(): void {
    for (const callOff of this.#timers) callOff();
  }

  /** Decided, and where the cloud was asked, decided again with what it told. */
  async #decide(intent: SaleCommand['intent'], request: SaleRequest, reads: readonly Read[]): Promise<SettledSale> {
    const first = await this.#decideOnce(intent, request, reads, NOTHING_TOLD);
    if (first.kind !== 'waiting') return first;
    const second = await this.#decideOnce(intent, request, reads, {
      mayAsk: false,
      begun: first.begun,
      told: await this.#told(first.wants),
    });
    if (second.kind === 'waiting') throw new Error('a sale that has waited waits again');
    return second;
  }

  #decideOnce(
    intent: SaleCommand['intent'],
    request: SaleRequest,
    reads: readonly Read[],
    { told, mayAsk, begun }: ByNow,
  ): Promise<SaleAnswer> {
    const { newId, fleetKey, reserveDeadlineMs: waitMs } = this.#ports;
    const { allOrNone, basket, lane, total, discount } = request;
    const customer = request.customer === null ? null : hashCustomer(fleetKey, request.customer);
    const sale = { intent, allOrNone, basket, lane, total, customer, discount, waitMs, mayAsk, begun };
    const ids = () => ({ wantId: newId(), redemptionId: newId() });
    const codeHashes = reads.flatMap((read) => (read.kind === 'code' ? [read.codeHash] : []));
    return run(
      this.#bench,
      (known, now) =>
        decideSale(known, { ...sale, items: reads.map((read) => itemOf(read, told, ids, sale, now.at)) }, now),
      codeHashes,
    );
  }

  async #told(wants: Extract<SaleAnswer, { kind: 'waiting' }>['wants']): Promise<ReadonlyMap<CodeHash, Told>> {
    const answers = await Promise.all(wants.map(({ want }) => this.#asked.get(want)?.promise));
    const told = new Map<CodeHash, Told>();
    for (const [index, { codeHash }] of wants.entries()) {
      const answer = answers[index];
      if (answer) told.set(codeHash, answer);
    }
    return told;
  }

  /** Also where nothing can be decided: a want that stays open would keep its code from every other basket. */
  #giveUp(want: string): void {
    run(this.#bench, (known) => decideWantDeadline(known, want)).catch(() => {
      this.#bench.work.remember({ do: 'end_want', want });
      this.answered(want, null);
    });
  }

  #views(basket: string, reads: readonly Read[], verdicts: readonly Verdict[]): Decision[] {
    const of = viewOf(this.#bench);
    const now = this.#bench.now().at;
    return verdicts.map((verdict, index) =>
      decisionView(of, { code: reads[index]?.shown ?? '', basket, now }, verdict),
    );
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#after(delayMs, resolve));
  }

  /** @returns calls it off */
  #after(delayMs: number, then: () => void): () => void {
    const stop = this.#ports.setTimer(() => {
      this.#timers.delete(callOff);
      then();
    }, delayMs);
    const callOff = () => {
      this.#timers.delete(callOff);
      stop();
    };
    this.#timers.add(callOff);
    return callOff;
  }
}

/** A want under way: who waits for it, and the end of its time. */
type Asked = PromiseWithResolvers<Told | null> & { readonly callOff: () => void };

type SettledSale = Exclude<SaleAnswer, { kind: 'waiting' }>;

/** What the cloud has told this call, and what this call has begun. */
type ByNow = Pick<SaleCommand, 'mayAsk' | 'begun'> & { readonly told: ReadonlyMap<CodeHash, Told> };
const NOTHING_TOLD: ByNow = { mayAsk: true, begun: new Set(), told: new Map() };
