import type { Head } from '../../protocol/journal.ts';
import { chainEntries } from '../../protocol/journal.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Down, Up } from '../../protocol/messages.ts';
import type { Now, Self, Session } from '../../gateway/till/box-rules.ts';
import type { Decided, Effect, SessionChange } from '../../gateway/till/draft-rules.ts';
import type { SaleAnswer } from '../../gateway/till/sale-rules.ts';
import type { WitnessReading } from '../../gateway/till/start-rules.ts';
import { boxId, FIXED, storeId, TOTAL } from './fixed.ts';
import type { Production } from './production.ts';
import { type TillImage, TillImages } from './till-image.ts';

/** One box, as a value: its disk, its witness, what its process remembers, and a backup of its disk. */
export type BoxState = {
  readonly data: TillImage;
  readonly witness: Head;
  /** Its device is away: neither read nor written. */
  readonly isBlind: boolean;
  /** Its clock is wrong by more than any margin. */
  readonly isLate: boolean;
  /** Null: its process is not running. */
  readonly run: { readonly session: Session; readonly witnessed: Head | null } | null;
  readonly backup: TillImage | null;
  readonly ids: number;
  /** How often its disk was put back. */
  readonly restores: number;
};

/** What came of a step: the box after it, what anyone outside may know now, and what went wrong on the way. */
export type BoxStep<A> = {
  readonly box: BoxState;
  readonly sent: readonly Up[];
  /** Null: nobody was answered. */
  readonly answer: A | null;
  readonly wrong: string | null;
};

type Decide<A> = (at: { readonly session: Session; readonly images: TillImages }) => Decided<A>;

/** Thrown where the process ends, or where the witness cannot be written. */
class Death extends Error {}
class WitnessFails extends Error {}

/** What goes wrong in a step: after so many acts the process dies, or the witness is not written. */
type Fault = { readonly diesAfter: number } | 'witness' | null;

/** A box's commands over the production rules and step function, each in every way that it can end. */
export class Boxes {
  readonly #production: Production;
  readonly #crashes: boolean;

  /** @param crashes also every way in which the process dies between two acts of a step */
  constructor(production: Production, crashes: boolean) {
    this.#production = production;
    this.#crashes = crashes;
  }

  /** Judges the witness, as every start does. */
  start(index: number, box: BoxState): BoxStep<void>[] {
    const { draft, start } = this.#production;
    const fresh: BoxState = { ...box, run: { session: draft.FRESH_SESSION, witnessed: null } };
    const images = new TillImages(box.data);
    const witness: WitnessReading = box.isBlind ? { kind: 'unreadable' } : { kind: 'head', head: box.witness };
    const hash = box.isBlind ? null : images.hashAt(box.witness);
    return this.#ways(fresh, ({ session }) => start.decideStart(this.#load(index, images).box(session), witness, hash));
  }

  receive(index: number, box: BoxState, epoch: number, message: Down, now: Now): BoxStep<void>[] {
    const header = {
      ...{ v: 1 as const, id: 'message', gateway: boxId(index), incarnation: FIXED.incarnation },
      ...{ epoch, bootId: 0, type: message.type },
    };
    return this.#ways(box, ({ session, images }) =>
      this.#production.message.decideMessage(
        this.#load(index, images).forMessage(session, message),
        header,
        message,
        now,
      ),
    );
  }

  redeem(index: number, box: BoxState, basket: string, codes: readonly CodeHash[], now: Now): BoxStep<SaleAnswer>[] {
    const items = codes.map((codeHash, i) => ({
      ...{ kind: 'code' as const, codeHash, lastFour: '0000', told: null },
      wantId: `<b${index}.${box.ids + 2 * i}>`,
      redemptionId: `<b${index}.${box.ids + 2 * i + 1}>`,
    }));
    const sale = {
      ...{ intent: 'redeem' as const, items, allOrNone: codes.length > 1, basket, lane: '1', total: TOTAL },
      ...{ customer: null, discount: null, waitMs: 800, mayAsk: true, begun: new Set<CodeHash>() },
    };
    return this.#ways({ ...box, ids: box.ids + 2 * codes.length }, ({ session, images }) =>
      this.#production.sale.decideSale(this.#load(index, images).codes(session, codes), sale, now),
    );
  }

  reverse(index: number, box: BoxState, basket: string, codeHash: CodeHash, now: Now) {
    const command = { codeHash, lastFour: '0000', basket, door: null, redemption: null, reason: 'model' };
    return this.#ways(box, ({ session, images }) =>
      this.#production.reversal.decideReversal(this.#load(index, images).codes(session, [codeHash]), command, now),
    );
  }

  tick(index: number, box: BoxState, now: Now): BoxStep<void>[] {
    return this.#ways(box, ({ session, images }) => {
      const known = this.#load(index, images).box(session);
      const { clock, at } = now;
      const due = images.due({
        ...{ epoch: known.box.epoch, endedAt: clock.proven ? clock.latest : clock.earliest, usedUntil: at },
        ...{
          usedBeyond: Number.MAX_SAFE_INTEGER,
          lapsedAt: clock.earliest,
          fetchedToo: session.line === 'up',
          most: 9,
        },
      });
      return this.#production.upkeep.decideTick(known, due, now);
    });
  }

  endWant(index: number, box: BoxState, want: string): BoxStep<void>[] {
    return this.#ways(box, ({ session, images }) =>
      this.#production.upkeep.decideWantDeadline(this.#load(index, images).box(session), want),
    );
  }

  /** What its link would upload now; null: nothing may leave, or all is settled. */
  upload(index: number, box: BoxState): Up | null {
    if (box.run === null) return null;
    const images = new TillImages(box.data);
    const known = this.#load(index, images).box(box.run.session);
    const shown = this.#production.upload.uploadable(known, box.run.witnessed?.n ?? 0);
    const body = shown === null ? null : this.#production.uploads.nextUpload(images, known.box, shown, null);
    return body === null ? null : { type: 'journal', body };
  }

  heartbeat(index: number, box: BoxState): Up | null {
    if (box.run?.witnessed == null) return null;
    const { holding, inUse } = new TillImages(box.data).holding(box.data.box.epoch);
    const body = {
      beat: `<b${index}.h>`,
      head: box.run.witnessed,
      acknowledged: box.data.box.acknowledged,
      holding,
      inUse,
    };
    return { type: 'heartbeat', body: { ...body, backlog: 0, timeProven: true, version: 'model' } };
  }

  sync(index: number, box: BoxState): Up | null {
    if (box.run?.witnessed == null) return null;
    const { epoch, floor } = box.data.box;
    const holdings = new TillImages(box.data).holdings(epoch);
    const [body] = this.#production.uploads.holdingParts(`<b${index}.s>`, floor, box.run.witnessed, holdings);
    return body === undefined ? null : { type: 'sync', body };
  }

  hello(index: number, box: BoxState): BoxStep<void> {
    const nonce = `<b${index}.${box.ids}>`;
    const { run } = box;
    if (run === null) throw new Error('a box that is off says nothing');
    const session = this.#production.draft.afterwards(run.session, [{ do: 'hello', nonce }]);
    return {
      box: { ...box, ids: box.ids + 1, run: { ...run, session } },
      sent: [{ type: 'hello', body: { nonce, version: 'model' } }],
      answer: null,
      wrong: null,
    };
  }

  #load(index: number, images: TillImages) {
    return new this.#production.load.Loader(images, selfOf(index));
  }

  /** The step to its end, and each way in which it can go wrong. */
  #ways<A>(box: BoxState, decide: Decide<A>): BoxStep<A>[] {
    const whole = this.#carryOut(box, decide, null);
    const isSilent = whole.box.data === box.data && whole.box.witness === box.witness;
    if (!this.#crashes || isSilent) return [whole];
    const deaths = Array.from({ length: whole.acts - 1 }, (_, i) => this.#carryOut(box, decide, { diesAfter: i + 1 }));
    return [whole, ...deaths, this.#carryOut(box, decide, 'witness')];
  }

  #carryOut<A>(box: BoxState, decide: Decide<A>, fault: Fault): BoxStep<A> & { readonly acts: number } {
    const { run } = box;
    if (run === null) throw new Error('a box that is off does nothing');
    const images = new TillImages(box.data);
    let { witness } = box;
    let { witnessed } = run;
    let [acts, isCommitted, isReleased] = [0, false, false];
    const sent: Up[] = [];
    const act = (work: () => void) => () => {
      if (typeof fault === 'object' && acts === fault?.diesAfter) throw new Death();
      work();
      acts += 1;
    };
    const witnessHead = () => {
      const { head } = images.image.box;
      if (witnessed === head) return;
      if (fault === 'witness' || box.isBlind) throw new WitnessFails();
      witness = head;
      witnessed = head;
    };
    let memory: readonly SessionChange[] = [];
    let answer: A | null = null;
    try {
      // What was committed and could not be witnessed is witnessed before anything else is done [G4].
      if (run.session.standing === 'validated') witnessHead();
      const decided = decide({ session: run.session, images });
      const before = images.image;
      const bodies = decided.changes.flatMap((change) => (change.do === 'journal' ? [change.body] : []));
      images.apply(decided.changes, chainEntries(before.box.head, bodies));
      const after = images.image;
      images.image = before;
      this.#production.step.step(decided, {
        commit: act(() => {
          images.image = after;
          isCommitted = true;
        }),
        witness: act(witnessHead),
        release: act(() => {
          isReleased = true;
          memory = decided.memory;
          answer = decided.answer;
          sent.push(...decided.effects.flatMap((effect) => this.#sentBy(effect)));
        }),
      });
      const session = this.#production.draft.afterwards(run.session, decided.memory);
      return {
        box: { ...box, data: images.image, witness, run: { session, witnessed } },
        ...{ sent, answer, wrong: null, acts },
      };
    } catch (error) {
      const answered = isReleased ? 'after its answer' : isCommitted ? 'after the commit' : 'before the commit';
      const after = { ...box, data: images.image, witness };
      if (error instanceof Death)
        return { box: { ...after, run: null }, sent, answer, wrong: `dies ${answered}`, acts };
      if (!(error instanceof WitnessFails)) throw error;
      const session = this.#production.draft.afterwards(run.session, memory);
      const wrong = `cannot write its witness ${answered}`;
      return { box: { ...after, run: { session, witnessed } }, sent, answer, wrong, acts };
    }
  }

  #sentBy(effect: Effect): Up[] {
    if (effect.do === 'send') return [effect.message];
    return effect.do === 'ask' ? [{ type: 'want', body: this.#production.message.wantBody(effect.want) }] : [];
  }
}

const selfOf = (index: number): Self => ({
  ...{ gateway: boxId(index), door: `gateway:${boxId(index)}`, store: storeId(index), storeName: `Store ${index}` },
  ...{ timeZone: 'UTC', keyId: 'box-key-1', strict: false },
});
