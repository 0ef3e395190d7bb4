import { describe, expect, test } from 'vitest';
import { startRegisters } from '../../gateway/lanes/register/registers.ts';
import type { SerialEvents } from '../../gateway/lanes/serial.ts';
import type { Till } from '../../gateway/till/port.ts';
import { TillUnavailable } from '../../gateway/till/port.ts';
import { parseAnswer, type RegisterAnswer } from '../../protocol/register-frame/answer.ts';
import { deframe, NOTHING_DEFRAMED } from '../../protocol/register-frame/deframer.ts';
import { ACK, encodeFrame, LRC_DEFAULT } from '../../protocol/register-frame/frame.ts';
import { codeAt, hashOf, turn, World } from './till-world.ts';

/** A real till behind a line whose bytes and timers a test turns by hand. */
class Bench {
  readonly world = new World();
  readonly logged: string[] = [];
  readonly written: Uint8Array[] = [];
  isUnavailable = false;
  nowMs = 0;
  #told: SerialEvents | null = null;
  #timers: { dueMs: number; run: () => void }[] = [];
  /** Above what tests name themselves. */
  #seq = 100;

  static async start(): Promise<Bench> {
    const bench = new Bench();
    await bench.world.start();
    await bench.world.connect();
    await bench.world.stock(codeAt(0), codeAt(1));
    bench.restart();
    return bench;
  }

  /** The gateway's process is another one: what was in its memory is gone, the till's data are there. */
  restart() {
    this.#timers = [];
    const { world } = this;
    const available = () => {
      if (this.isUnavailable) throw new TillUnavailable('the disk is full');
      return world.box;
    };
    const till: Pick<Till, 'validate' | 'redeem' | 'reverse' | 'basket' | 'history' | 'status'> = {
      validate: async (sale) => available().validate(sale),
      redeem: async (sale) => available().redeem(sale),
      reverse: async (request) => available().reverse(request),
      basket: async (basket) => available().basket(basket),
      history: async (code) => available().history(code),
      status: () => world.box.status(),
    };
    const say = (fields: object, message: string) => void this.logged.push(`${JSON.stringify(fields)} ${message}`);
    const registers = startRegisters(
      [{ name: '3', register: { port: '/dev/till', baud: 9600 } }],
      { info: say, warn: say, error: say },
      {
        till,
        currency: 'USD',
        now: () => world.wall,
        elapsed: () => this.nowMs,
        after: (delayMs, run) => {
          const timer = { dueMs: this.nowMs + delayMs, run };
          this.#timers.push(timer);
          return () => {
            this.#timers = this.#timers.filter((other) => other !== timer);
          };
        },
        openSerial: (_settings, told) => {
          this.#told = told;
          return { write: async (bytes) => this.written.push(bytes) > 0, close: async () => undefined };
        },
      },
    );
    this.state = () => registers.statuses().get('3')?.state;
    this.line.present();
  }

  state: () => string | undefined = () => undefined;

  get line() {
    if (this.#told === null) throw new Error('the port is not open');
    return this.#told;
  }

  send(payload: string): void {
    this.line.data(encodeFrame(payload, LRC_DEFAULT));
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.nowMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { run } of due) run();
    await turn();
  }

  /** What was written since the last time: the answers of frames; control bytes by their names. */
  wrote(): (string | RegisterAnswer)[] {
    const bytes = this.written.splice(0).flatMap((part) => [...part]);
    return deframe(NOTHING_DEFRAMED, Uint8Array.from(bytes), 1).events.map((event) => {
      if (event.kind !== 'frame') return event.kind;
      const answer = parseAnswer(event.payload);
      if (answer === null) throw new Error(`no answer: ${event.payload}`);
      return answer;
    });
  }

  /** Asked, answered and acknowledged. */
  async ask(rest: string, { txn = 'T-1', seq = this.nextSeq() }: { txn?: string; seq?: string } = {}) {
    const [letter, ...fields] = rest.split('|');
    this.send([letter, '1', '3', txn, seq, ...fields].join('|'));
    for (let turns = 0; turns < 4; turns += 1) await turn();
    const [ack, answer] = this.wrote();
    if (ack !== 'ack' || answer === undefined || typeof answer === 'string') throw new Error(`${ack}, ${answer}`);
    this.line.data(Uint8Array.of(ACK));
    return answer;
  }

  nextSeq(): string {
    this.#seq += 1;
    return String(this.#seq);
  }
}

const CODE = codeAt(0);

describe('[P10] the same number in the same basket', () => {
  test('is not remembered while the till cannot answer: 91, and the same frame later is answered', async () => {
    const bench = await Bench.start();
    bench.isUnavailable = true;
    expect(await bench.ask(`V|${CODE}|4200`, { seq: '7' })).toMatchObject({ cc: '91', ref: '' });
    bench.isUnavailable = false;
    expect(await bench.ask(`V|${CODE}|4200`, { seq: '7' })).toMatchObject({ cc: '00', mode: 'R' });
  });

  test('is redeemed once, with the total of its approval, and answered the same by the next process', async () => {
    const bench = await Bench.start();
    const { ref } = await bench.ask(`V|${CODE}|4200`);
    const redeemed = await bench.ask(`R|${ref}`, { seq: '7' });
    expect(await bench.ask(`R|${ref}`, { seq: '7' })).toEqual(redeemed);
    bench.restart();
    expect(await bench.ask(`R|${ref}`, { seq: '7' })).toEqual(redeemed);
    expect(bench.world.journal().filter((line) => line === 'redeemed')).toHaveLength(1);
    const [entry] = bench.world.store.entries(1, 1, 100).filter(({ body }) => body.kind === 'redeemed');
    expect(entry?.body).toMatchObject({ basket: 'T-1', lane: '3', total: { amount: 4200, currency: 'USD' } });
  });

  test('with a ref that no gateway gave is not understood', async () => {
    const bench = await Bench.start();
    for (const ref of [CODE, '*', '4200*', `-1*${CODE}`, `99999999999*${CODE}`])
      expect(await bench.ask(`R|${ref}`)).toMatchObject({ cc: '30' });
  });

  test('with another total, once redeemed, is a conflict', async () => {
    const bench = await Bench.start();
    const { ref } = await bench.ask(`V|${CODE}|4200`);
    await bench.ask(`R|${ref}`);
    expect(await bench.ask(`V|${CODE}|4300`)).toMatchObject({ cc: '31' });
  });

  test('is forgotten after sixty-four others, and asked anew', async () => {
    const bench = await Bench.start();
    await bench.ask('V|TEST-APPROVED|1', { seq: '1000' });
    for (let others = 0; others < 64; others += 1) await bench.ask('V|TEST-EXPIRED|1');
    expect(await bench.ask('V|TEST-EXPIRED|1', { seq: '1000' })).toMatchObject({ cc: '12' });
  });
});

describe('[P11] a reversal', () => {
  test('of a redemption undoes it, and refuses its repetition and its validation', async () => {
    const bench = await Bench.start();
    const { ref } = await bench.ask(`V|${CODE}|4200`, { seq: '1' });
    await bench.ask(`R|${ref}`, { seq: '2' });
    expect(await bench.ask('X|2|4021')).toMatchObject({ cc: '00', text: 'UNDONE' });
    expect(bench.world.journal()).toContain('reversed');
    expect(await bench.ask(`R|${ref}`, { seq: '2' })).toMatchObject({ cc: '15' });
    expect(await bench.ask(`V|${CODE}|4200`, { seq: '1' })).toMatchObject({ cc: '15' });
    expect(await bench.ask(`V|${CODE}|4200`)).toMatchObject({ cc: '15' });
  });

  test('at another door refuses the repetition of what was approved here', async () => {
    const bench = await Bench.start();
    const { ref } = await bench.ask(`V|${CODE}|4200`);
    expect(await bench.ask(`R|${ref}`, { seq: '2' })).toMatchObject({ cc: '00' });
    await bench.world.box.reverse({ code: CODE, basket: 'T-1', reason: 'at the desk', door: null });
    expect(await bench.ask(`R|${ref}`, { seq: '2' })).toMatchObject({ cc: '15' });
  });

  test('of one coupon leaves the other of the basket', async () => {
    const bench = await Bench.start();
    await bench.ask(`V|${CODE}|4200`, { seq: '1' });
    const other = await bench.ask(`V|${codeAt(1)}|4200`, { seq: '2' });
    await bench.ask('X|1|4000');
    expect(await bench.ask(`R|${other.ref}`)).toMatchObject({ cc: '00' });
    expect(await bench.ask('S|2')).toMatchObject({ cc: '00' });
  });

  test('that the next process cannot tell is not called done, but with its code it is', async () => {
    const bench = await Bench.start();
    const { ref } = await bench.ask(`V|${CODE}|4200`);
    await bench.ask(`R|${ref}`, { seq: '9' });
    bench.restart();
    expect(await bench.ask('X|9|4021')).toMatchObject({ cc: '33' });
    expect(await bench.ask(`X|9|4021|${CODE}`)).toMatchObject({ cc: '00' });
    expect(await bench.ask(`R|${ref}`, { seq: '9' })).toMatchObject({ cc: '15' });
    expect(bench.world.journal().filter((line) => line === 'reversed')).toHaveLength(1);
  });

  test('in a basket of which nothing stands is done at once', async () => {
    const bench = await Bench.start();
    expect(await bench.ask('X|9|4021')).toMatchObject({ cc: '00' });
    expect(await bench.ask(`V|${CODE}|4200`, { seq: '9' })).toMatchObject({ cc: '15' });
    expect(bench.world.store.code(hashOf(CODE)).open[0]?.use ?? null).toBeNull();
  });

  test('which the till cannot write is not called done', async () => {
    const bench = await Bench.start();
    await bench.ask(`V|${CODE}|4200`, { seq: '1' });
    bench.isUnavailable = true;
    expect(await bench.ask('X|1|4021')).toMatchObject({ cc: '91' });
    bench.isUnavailable = false;
    expect(await bench.ask('S|1')).toMatchObject({ cc: '00' });
  });
});

describe('[P12] a status', () => {
  test('tells each state of a request apart, and changes none', async () => {
    const bench = await Bench.start();
    const { ref } = await bench.ask(`V|${CODE}|4200`, { seq: '1' });
    expect(await bench.ask('S|1')).toMatchObject({ cc: '00', ref });
    // A redemption that never came, of a code that is in use.
    expect(await bench.ask(`S|2|${CODE}`)).toMatchObject({ cc: '33' });
    expect(bench.world.journal()).not.toContain('redeemed');
    await bench.ask(`R|${ref}`, { seq: '2' });
    expect(await bench.ask('S|2')).toMatchObject({ cc: '00', ref });
    await bench.ask('X|2|4000');
    expect(await bench.ask('S|2')).toMatchObject({ cc: '15' });
    expect(await bench.ask('S|1')).toMatchObject({ cc: '15' });
    expect(await bench.ask('S|999')).toMatchObject({ cc: '33' });
  });

  test('of an approval whose time is over is no approval', async () => {
    const bench = await Bench.start();
    await bench.ask(`V|${CODE}|4200`, { seq: '1' });
    await bench.world.pass(16 * 60_000);
    await bench.world.box.tick();
    expect(await bench.ask('S|1')).toMatchObject({ cc: '33' });
  });

  test('after a restart approves what the till has written, and nothing else', async () => {
    const bench = await Bench.start();
    const { ref } = await bench.ask(`V|${CODE}|4200`, { seq: '1' });
    bench.restart();
    expect(await bench.ask(`S|1|${CODE}`)).toMatchObject({ cc: '33' });
    await bench.ask(`R|${ref}`, { seq: '2' });
    bench.restart();
    expect(await bench.ask(`S|2|${CODE}`)).toMatchObject({ cc: '00', text: 'REDEEMED' });
    expect(await bench.ask(`S|2|${CODE}`, { txn: 'T-2' })).toMatchObject({ cc: '33' });
  });

  test('of a line says whether the cloud can be reached', async () => {
    const bench = await Bench.start();
    expect(await bench.ask('P', { txn: '' })).toMatchObject({ cc: '00', text: 'READY' });
    await bench.world.cut();
    expect(await bench.ask('P', { txn: '' })).toMatchObject({ cc: '00', text: 'READY, LINE IS DOWN' });
  });
});

describe('[P9] a line', () => {
  test('on which nobody acknowledges is told of once, until somebody does', async () => {
    const bench = await Bench.start();
    for (const _ of ['one', 'two']) {
      bench.send(`V|1|3|T-1|${bench.nextSeq()}|TEST-APPROVED|1`);
      await turn();
      for (let waits = 0; waits < 4; waits += 1) await bench.pass(1_500);
      expect(bench.wrote().filter((one) => typeof one !== 'string')).toHaveLength(3);
      expect(bench.state()).toBe('not_answering');
    }
    expect(bench.logged.filter((line) => line.includes('does not acknowledge'))).toHaveLength(1);
    await bench.ask('V|TEST-APPROVED|1');
    expect(bench.state()).toBe('present');
  });

  test('that goes away takes half a frame and an answer under way with it', async () => {
    const bench = await Bench.start();
    bench.send('V|1|3|T-1|1|TEST-APPROVED|1');
    await turn();
    bench.line.data(encodeFrame('V|1|3|T-1|2|TEST-APPROVED|1', LRC_DEFAULT).slice(0, 9));
    bench.line.absent('pulled');
    expect(bench.state()).toBe('absent');
    bench.wrote();
    await bench.pass(10_000);
    bench.line.present();
    expect(bench.wrote()).toEqual([]);
    expect(await bench.ask('S|1')).toMatchObject({ cc: '00' });
    expect(bench.logged.join()).not.toContain('TEST-APPROVED');
  });

  test('logs no code, also where a request meets a defect', async () => {
    const bench = await Bench.start();
    await bench.ask(`V|${CODE}|4200`);
    bench.world.till = null;
    expect(await bench.ask(`V|${CODE}|4200`)).toMatchObject({ cc: '91' });
    expect(bench.logged.at(-1)).toContain('met a defect');
    expect(bench.logged.join()).not.toContain(CODE);
  });
});
