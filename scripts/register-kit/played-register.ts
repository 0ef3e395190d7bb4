import { parseAnswer, type RegisterAnswer } from '../../protocol/register-frame/answer.ts';
import { ACK, ACK_WITHIN_MS, ANSWER_WAIT_MS, encodeFrame, NAK } from '../../protocol/register-frame/frame.ts';
import { formatRequest, type RegisterRequest } from '../../protocol/register-frame/request.ts';
import { expect, Failed } from './check.ts';
import { inWords, type Seen, type Wire } from './wire.ts';

/** TEST-SLOW takes as long as a register may wait. */
export const SLOW_ANSWER_MS = 2 * ANSWER_WAIT_MS;

type WithoutAddress<T> = T extends unknown ? Omit<T, 'lane' | 'txn' | 'seq'> : never;
export type Asked = WithoutAddress<Exclude<RegisterRequest, { kind: 'ping' }>>;

/** A register whose every byte a check decides. */
export class PlayedRegister {
  readonly wire: Wire;
  /** A basket of this check's own. */
  readonly txn: string;
  readonly #nextSeq: () => string;

  constructor(wire: Wire, txn: string, nextSeq: () => string) {
    this.wire = wire;
    this.txn = txn;
    this.#nextSeq = nextSeq;
  }

  seq(): string {
    return this.#nextSeq();
  }

  payload(asked: Asked, seq: string, txn = this.txn): string {
    return formatRequest({ ...asked, lane: LANE, txn, seq });
  }

  ping(seq: string): string {
    return formatRequest({ kind: 'ping', lane: LANE, txn: '', seq });
  }

  send(payload: string): void {
    this.wire.write(encodeFrame(payload, this.wire.lrc));
  }

  acknowledge(): void {
    this.wire.write(Uint8Array.of(ACK));
  }

  refuse(): void {
    this.wire.write(Uint8Array.of(NAK));
  }

  /** The next event, which is an ACK, in time. @throws Failed */
  async acknowledged(): Promise<void> {
    const sentMs = this.wire.clock.elapsed();
    const seen = await this.wire.next(ACK_WITHIN_MS + this.wire.slackMs);
    const took = seen === null ? '' : ` after ${Math.round(seen.atMs - sentMs)} ms`;
    expect(seen?.kind === 'ack', `ACK within ${ACK_WITHIN_MS} ms, before anything else`, `${inWords(seen)}${took}`);
  }

  /** The next frame, progress texts aside; it is not acknowledged here. @throws Failed */
  async frame(withinMs: number, progress: Seen[] = []): Promise<string> {
    const untilMs = this.wire.clock.elapsed() + withinMs;
    for (;;) {
      const seen = await this.wire.next(Math.max(0, untilMs - this.wire.clock.elapsed()));
      if (seen?.kind === 'frame') return seen.payload;
      expect(seen?.kind === 'progress', `an answer within ${withinMs} ms`, inWords(seen));
      progress.push(seen);
    }
  }

  /** The answer to this request, acknowledged. @throws Failed */
  async answer(txn: string, seq: string, withinMs = ANSWER_WAIT_MS, progress: Seen[] = []): Promise<RegisterAnswer> {
    const payload = await this.frame(withinMs, progress);
    this.acknowledge();
    const answer = parseAnswer(payload);
    if (answer === null) throw new Failed('A|1|lane|txn|seq|cc|mode|ref|value|text', payload);
    const isMine = answer.txn === txn && answer.seq === seq;
    expect(isMine, `an answer to basket ${txn}, seq ${seq}`, payload);
    return answer;
  }

  /** Sent, acknowledged, answered, acknowledged. @throws Failed */
  async ask(asked: Asked, seq = this.seq(), txn = this.txn): Promise<RegisterAnswer> {
    this.send(this.payload(asked, seq, txn));
    await this.acknowledged();
    return this.answer(txn, seq);
  }

  async validate(code: string, txn = this.txn): Promise<RegisterAnswer> {
    return this.ask({ kind: 'validate', code, amount: TOTAL }, this.seq(), txn);
  }

  /** What still comes is acknowledged, so that the next check begins with a gateway at rest. */
  async finish(hasPassed: boolean): Promise<void> {
    const quietMs = hasPassed ? SHORT_QUIET_MS : SLOW_ANSWER_MS;
    for (let events = 0; events < FINISHING_EVENTS_MAX; events += 1) {
      const seen = await this.wire.next(quietMs);
      if (seen === null) return;
      if (seen.kind === 'frame') this.acknowledge();
    }
  }

  /** @throws Failed where the gateway says anything in this time */
  async silence(ms: number): Promise<void> {
    const seen = await this.wire.next(ms);
    expect(seen === null, `nothing for ${ms} ms`, inWords(seen));
  }

  /** @throws Failed unless the answer has this `cc` */
  expectCc(answer: RegisterAnswer, cc: string, what: string): void {
    expect(answer.cc === cc, `${cc} for ${what}`, `${answer.cc} ${answer.text}`);
  }
}

const SHORT_QUIET_MS = 100;
/** A gateway that never comes to rest is left to the next check. */
const FINISHING_EVENTS_MAX = 50;
const LANE = '1';
/** Enough for the demo's campaign; minor units. */
export const TOTAL = 4200;
