import { formatAnswer, type Said, say } from '../../protocol/register-frame/answer.ts';
import { APPROVED } from '../../protocol/register-frame/answer-codes.ts';
import { ACK, ACK_WITHIN_MS, encodeFrame, encodeProgress, NAK } from '../../protocol/register-frame/frame.ts';
import { parseRequest, type RegisterRequest } from '../../protocol/register-frame/request.ts';
import { expect, Failed } from './check.ts';
import type { Outcome } from './register.ts';
import { inWords, type Seen, type Wire } from './wire.ts';

/** A person who was asked to scan needs a while. */
const HAND_MS = 120_000;

export type Request = RegisterRequest & { readonly payload: string; readonly atMs: number };

/** Rings up one sale of 42.00 with this coupon at the register under test, by hand or by a script. */
export type Sell = (code: string, told: string) => Promise<Outcome>;

/** A gateway whose every byte a check decides, and the register that is tried. */
export class PlayedGateway {
  readonly wire: Wire;
  readonly #sell: Sell;
  /** Everything that the register sent since the kit was started, over all checks. */
  readonly #sent: Request[];
  #outcome: Outcome | null = null;
  #isSelling = false;

  constructor(wire: Wire, sell: Sell, sent: Request[]) {
    this.wire = wire;
    this.#sell = sell;
    this.#sent = sent;
  }

  /** The requests of all checks so far. */
  get sent(): readonly Request[] {
    return this.#sent;
  }

  /** Begins the sale; its first request comes next. @param told to a person who rings it up by hand */
  sell(code = 'TEST-APPROVED', told = 'Scan the coupon and pay.'): void {
    this.#outcome = null;
    this.#isSelling = true;
    this.#sell(code, told).then((outcome) => {
      this.#outcome = outcome;
      this.#isSelling = false;
    });
  }

  /** How the sale ended. What the register sends meanwhile is a failure. @throws Failed */
  async ends(...expected: Outcome[]): Promise<void> {
    const untilMs = this.wire.clock.elapsed() + HAND_MS;
    while (this.#outcome === null && this.wire.clock.elapsed() < untilMs) await this.silence(POLL_MS);
    const words = expected.join(' or ');
    expect(this.#outcome !== null, `the end of the sale, ${words}`, 'nothing');
    expect(expected.includes(this.#outcome), `a sale that ends ${words}`, this.#outcome);
  }

  /** The next good frame, which is this kind of request; not acknowledged here. @throws Failed */
  async request<K extends RegisterRequest['kind']>(
    kind: K,
    withinMs = HAND_MS,
  ): Promise<Extract<Request, { kind: K }>> {
    const seen = await this.wire.next(withinMs);
    const request = this.#read(seen);
    if (!isKind(request, kind)) throw new Failed(LETTERS[kind], request?.payload ?? inWords(seen));
    return request;
  }

  acknowledge(): void {
    this.wire.write(Uint8Array.of(ACK));
  }

  refuse(): void {
    this.wire.write(Uint8Array.of(NAK));
  }

  progress(): void {
    this.wire.write(encodeProgress('CHECKING COUPON...'));
  }

  frameOf({ lane, txn, seq }: RegisterRequest, said: Said): Uint8Array {
    return encodeFrame(formatAnswer({ lane, txn, seq, ...said }), this.wire.lrc);
  }

  /** @throws Failed where the register does not acknowledge it in time */
  async answer(request: RegisterRequest, said: Said): Promise<void> {
    this.wire.write(this.frameOf(request, said));
    await this.acknowledged();
  }

  async acknowledged(): Promise<void> {
    const seen = await this.wire.next(ACK_WITHIN_MS + this.wire.slackMs);
    expect(seen?.kind === 'ack', `ACK of the answer within ${ACK_WITHIN_MS} ms`, inWords(seen));
  }

  /** @throws Failed where the register sends anything in this time */
  async silence(ms: number): Promise<void> {
    const seen = await this.wire.next(ms);
    this.#read(seen);
    expect(seen === null, `nothing for ${ms} ms`, inWords(seen));
  }

  /** Anything that still comes is answered, so that the next check begins with a register at rest. */
  async finish(hasPassed: boolean): Promise<void> {
    const quietMs = hasPassed ? SHORT_QUIET_MS : LONG_QUIET_MS;
    let untilMs = this.wire.clock.elapsed() + HAND_MS;
    while (this.wire.clock.elapsed() < untilMs) {
      if (!this.#isSelling) untilMs = Math.min(untilMs, this.wire.clock.elapsed() + AT_REST_WITHIN_MS);
      const seen = await this.wire.next(quietMs);
      if (seen === null && !this.#isSelling) return;
      if (seen?.kind === 'damaged') this.acknowledge();
      const request = this.#read(seen);
      if (request === null) continue;
      this.acknowledge();
      this.wire.write(this.frameOf(request, request.kind === 'reverse' ? say(APPROVED, 'UNDONE') : DECLINED));
    }
  }

  #read(seen: Seen | null): Request | null {
    if (seen?.kind !== 'frame') return null;
    const read = parseRequest(seen.payload);
    if (!read.ok) return null;
    const request = { ...read.value, payload: seen.payload, atMs: seen.atMs };
    this.#sent.push(request);
    return request;
  }
}

const POLL_MS = 50;
const SHORT_QUIET_MS = 300;
/** Longer than any pause that a register makes in the middle of something. */
const LONG_QUIET_MS = 4_000;
/** A register that never comes to rest is left to the next check. */
const AT_REST_WITHIN_MS = 15_000;
const DECLINED = say('12', 'EXPIRED');

const LETTERS: Readonly<Record<RegisterRequest['kind'], string>> = {
  validate: 'V',
  redeem: 'R',
  reverse: 'X',
  status: 'S',
  ping: 'P',
};

function isKind<K extends RegisterRequest['kind']>(
  request: Request | null,
  kind: K,
): request is Extract<Request, { kind: K }> {
  return request?.kind === kind;
}
