import type { RegisterAnswer } from '../../protocol/register-frame/answer.ts';
import { kindOf } from '../../protocol/register-frame/answer-codes.ts';
import { formatRequest, type RegisterRequest } from '../../protocol/register-frame/request.ts';
import type { RegisterLine } from './register-line.ts';

/** How a sale ended for the customer: `without` is without the discount, because no answer came. */
export type Outcome = 'redeemed' | 'declined' | 'undetermined' | 'without';

/** Between two tries of the same frame, where the gateway is busy or does not answer. */
const PAUSE_MS = 500;
const BUSY_TRIES = 6;

type Ports = {
  readonly line: Pick<RegisterLine, 'ask'>;
  readonly lane: string;
  readonly newTxn: () => string;
  readonly pause: (ms: number) => Promise<void>;
};

/** A register that sells one coupon at a time, as the integration guide asks for it: its rules in as few words as they need. */
export class Register {
  readonly #ports: Ports;
  #seq = 0;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** @param total minor units @returns how it ended, and when everything that had to be undone is */
  async sell(code: string, total: number): Promise<{ outcome: Outcome; settled: Promise<void> }> {
    const sale = { lane: this.#ports.lane, txn: this.#ports.newTxn() };
    const validation = { kind: 'validate', ...sale, seq: this.#nextSeq(), code, amount: total } as const;
    const validated = await this.#certain(validation, code);
    if (validated === null) return { outcome: 'without', settled: this.#undo(validation, code) };
    const kind = kindOf(validated.cc);
    if (kind !== 'approved') return { outcome: outcomeOf(kind), settled: Promise.resolve() };
    const redemption = { kind: 'redeem', ...sale, seq: this.#nextSeq(), ref: validated.ref } as const;
    const redeemed = await this.#certain(redemption, code);
    if (redeemed === null) return { outcome: 'without', settled: this.#undo(redemption, code) };
    const end = kindOf(redeemed.cc);
    return { outcome: end === 'approved' ? 'redeemed' : outcomeOf(end), settled: Promise.resolve() };
  }

  /** The answer, asked for once more where it was lost. Null: it may have been done or not. */
  async #certain(request: RegisterRequest, code: string): Promise<RegisterAnswer | null> {
    const answer = await this.#ask(request);
    if (answer !== null) return answer;
    const status = await this.#ask({ kind: 'status', ...this.#next(request), origSeq: request.seq, code });
    // Not done, says the gateway: the same frame, with the same number, may do it now.
    return status !== null && kindOf(status.cc) === 'not_done' ? this.#ask(request) : status;
  }

  /** The same frame, until it is answered. */
  async #undo(request: RegisterRequest, code: string): Promise<void> {
    const orig = { origSeq: request.seq, cause: '4021', code } as const;
    const reversal = { kind: 'reverse', ...this.#next(request), ...orig } as const;
    while ((await this.#ask(reversal)) === null) await this.#ports.pause(PAUSE_MS);
  }

  /** Null: no answer, or none but 'not now'. */
  async #ask(request: RegisterRequest): Promise<RegisterAnswer | null> {
    for (let tries = 1; tries <= BUSY_TRIES; tries += 1) {
      const answer = await this.#ports.line.ask(formatRequest(request), request.txn, request.seq);
      if (answer === null || kindOf(answer.cc) !== 'not_now') return answer;
      await this.#ports.pause(PAUSE_MS);
    }
    return null;
  }

  #next({ lane, txn }: RegisterRequest) {
    return { lane, txn, seq: this.#nextSeq() };
  }

  #nextSeq(): string {
    this.#seq += 1;
    return String(this.#seq);
  }
}

function outcomeOf(kind: 'declined' | 'undetermined' | 'not_done' | 'not_now'): Outcome {
  switch (kind) {
    case 'declined':
      return 'declined';
    case 'undetermined':
      return 'undetermined';
    case 'not_done':
    case 'not_now':
      return 'without';
  }
}
