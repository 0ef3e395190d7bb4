import type { Down, Header, Up } from '../../protocol/messages.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Now } from '../../gateway/till/box-rules.ts';
import { type BoxState, type BoxStep, Boxes } from './box.ts';
import { Cloud } from './cloud.ts';
import { boxId, codeAt, FIXED, firstLedger, storeId, T0 } from './fixed.ts';
import type { LedgerImage } from './ledger-image.ts';
import type { Production } from './production.ts';
import { redeemedBy, isVoidFinal, judged, see, including } from './judge.ts';
import type { Budgeted, Message, Next, Space, State } from './state.ts';
import { emptyTill } from './till-image.ts';

/** The successors of a state: everything that can happen next in a space. */
export class World {
  readonly #space: Space;
  readonly #cloud: Cloud;
  readonly #boxes: Boxes;

  constructor(production: Production, space: Space) {
    this.#space = space;
    this.#cloud = new Cloud(production, FIXED, firstLedger(space.boxes, space.codes));
    this.#boxes = new Boxes(production, (space.most.fault ?? 0) > 0);
  }

  /** Boxes that are enrolled, validated, and known to be there. */
  async first(): Promise<State> {
    const { boxes, codes, handshake = false, after = [] } = this.#space;
    let state: State = {
      ...{ t: 0, cloud: firstLedger(boxes, codes), up: [], shown: [], asked: [], undone: [], voids: [], spent: {} },
      broken: null,
      boxes: Array.from({ length: boxes }, (_, i) => {
        const data = emptyTill({ gateway: boxId(i), incarnation: FIXED.incarnation, epoch: 1 });
        return {
          data,
          witness: data.box.head,
          isBlind: false,
          isLate: false,
          run: null,
          backup: null,
          ids: 0,
          restores: 0,
        };
      }),
    };
    for (let i = 0; i < boxes; i += 1) state = await this.#introduced(state, i);
    if (!handshake) state = { ...state, up: [], cloud: { ...state.cloud, outbox: [] } };
    for (const label of after) state = await this.#step(state, label);
    return state;
  }

  /** Each in turn, so that no more than one is under way. */
  async *next(state: State): AsyncGenerator<Next> {
    yield* this.#time(state);
    yield* this.#atCloud(state);
    for (const i of state.boxes.keys()) yield* this.#atBox(state, i);
  }

  async #introduced(before: State, i: number): Promise<State> {
    let state = this.#after(before, i, first(this.#boxes.start(i, box(before, i))), {}).state;
    state = this.#after(state, i, this.#boxes.hello(i, box(state, i)), {}).state;
    for (const answer of ['challenge', 'welcome'] as const) {
      const said = state.up.at(-1);
      if (said === undefined) throw new Error('a box said nothing');
      const { image } = await this.#cloud.receive(state.cloud, this.#cloudNow(state), said.header, said.message);
      state = { ...state, cloud: image };
      const told = image.outbox.findLast((queued) => queued.gateway === boxId(i) && queued.message.type === answer);
      if (told === undefined) throw new Error(`no ${answer}`);
      const step = first(this.#boxes.receive(i, box(state, i), told.epoch, told.message, this.#boxNow(state, i)));
      state = this.#after(state, i, step, {}).state;
    }
    return this.#lineIs(state, i, 'up');
  }

  async #step(state: State, label: string): Promise<State> {
    for await (const next of this.next(state)) if (next.label.startsWith(label)) return next.state;
    throw new Error(`'${label}' cannot happen there`);
  }

  async *#time(state: State): AsyncGenerator<Next> {
    const { instants = [0] } = this.#space;
    if (state.t + 1 < instants.length)
      yield { label: `time is ${instants[state.t + 1]}`, state: { ...state, t: state.t + 1 } };
  }

  async *#atCloud(state: State): AsyncGenerator<Next> {
    const now = this.#cloudNow(state);
    const { codes, carts, boxes } = this.#space;
    const cloud = (
      label: string,
      image: LedgerImage,
      extra: Partial<State> = {},
      spends: Budgeted | null = null,
    ): Next => ({
      label,
      state: judged({ ...state, cloud: image, ...extra, spent: spends === null ? state.spent : spend(state, spends) }),
    });
    if (this.#may(state, 'stock'))
      for (let i = 0; i < boxes; i += 1)
        for (let c = 0; c < codes; c += 1) {
          const { image, answer } = await this.#cloud.stock(state.cloud, now, storeId(i), codeAt(c).code);
          if (answer && image.outbox !== state.cloud.outbox)
            yield cloud(`code ${c} is stocked at store ${i}`, image, {}, 'stock');
        }
    for (const basket of carts) yield* this.#cart(state, basket);
    if (this.#may(state, 'void'))
      for (let c = 0; c < codes; c += 1) {
        const { hash } = codeAt(c);
        const { image, answer } = await this.#cloud.void(state.cloud, now, hash);
        const isAccepted = answer === 'voided' || answer === 'voiding' || answer === 'void_pending';
        const voids = isAccepted ? including(state.voids, hash) : state.voids;
        yield cloud(`code ${c} is voided: ${answer}`, image, { voids }, 'void');
      }
    if (this.#may(state, 'revoke'))
      for (let i = 0; i < boxes; i += 1)
        yield cloud(
          `store ${i} is revoked`,
          (await this.#cloud.revoke(state.cloud, now, boxId(i))).image,
          {},
          'revoke',
        );
    if (this.#may(state, 'tick'))
      yield cloud('cloud: its clock', (await this.#cloud.tick(state.cloud, now)).image, {}, 'tick');
    for (const { header, message } of state.up) {
      if (message.type === 'hello' && !this.#may(state, 'greeting')) continue;
      const { image } = await this.#cloud.receive(state.cloud, now, header, message);
      if (isSame(image, state.cloud)) continue;
      const label = `cloud gets ${message.type} of ${header.gateway}${describe(message)}`;
      yield cloud(label, image, {}, message.type === 'hello' ? 'greeting' : null);
    }
  }

  async *#cart(state: State, basket: string): AsyncGenerator<Next> {
    const now = this.#cloudNow(state);
    const codes = Array.from({ length: this.#space.codes }, (_, c) => codeAt(c));
    const { image, answer } = await this.#cloud.redeem(
      state.cloud,
      now,
      basket,
      codes.map(({ code }) => code),
    );
    const approved = (answer ?? []).flatMap(({ decision, redemption }, c) =>
      decision === 'approved' && redemption !== null ? (codes[c]?.hash ?? []) : [],
    );
    const who = (hash: string) => `cart:shop/${basket} ${hash}`;
    const told = answer === null ? 'waits' : answer.map(({ decision, reason }) => reason ?? decision).join(', ');
    yield {
      label: `cart ${basket} redeems: ${told}`,
      state: see({ ...state, cloud: image }, approved.map(who)),
    };
    if (approved.some((hash) => state.voids.includes(hash) && !state.shown.includes(who(hash))))
      yield {
        label: `cart ${basket} redeems`,
        state: { ...state, broken: 'S6: a cart redeems a code whose void was accepted' },
      };
    if (!this.#may(state, 'reversal')) return;
    for (const { code, hash } of codes) {
      const reversed = await this.#cloud.reverse(state.cloud, now, null, basket, code);
      yield {
        label: `cart ${basket} is reversed`,
        state: judged({
          ...state,
          cloud: reversed.image,
          asked: including(state.asked, who(hash)),
          undone: reversed.answer ? including(state.undone, who(hash)) : state.undone,
          spent: spend(state, 'reversal'),
        }),
      };
    }
  }

  async *#atBox(state: State, i: number): AsyncGenerator<Next> {
    const here = box(state, i);
    const boxes = this.#boxes;
    if (this.#may(state, 'witness')) {
      const label = `store ${i}: its witness is ${here.isBlind ? 'there again' : 'away'}`;
      yield { label, state: put(state, i, { ...here, isBlind: !here.isBlind }, 'witness') };
    }
    if (this.#may(state, 'clock')) {
      const label = `store ${i}: its clock is ${here.isLate ? 'right again' : 'wrong'}`;
      yield { label, state: put(state, i, { ...here, isLate: !here.isLate }, 'clock') };
    }
    if (here.run === null) {
      if (!this.#may(state, 'start')) return;
      for (const step of this.#ends(state, boxes.start(i, here)))
        yield this.#after(state, i, step, { label: 'starts', spends: 'start' });
      if (this.#may(state, 'restore') && here.backup !== null) yield this.#restored(state, i);
      return;
    }
    const now = this.#boxNow(state, i);
    for (const { gateway, epoch, message } of state.cloud.outbox) {
      if (gateway !== boxId(i)) continue;
      for (const step of this.#ends(state, boxes.receive(i, here, epoch, message, now)))
        yield this.#after(state, i, step, { label: `gets ${message.type}${describe(message)}` });
    }
    for (const basket of this.#space.tills) yield* this.#sale(state, i, basket);
    for (const want of here.run.session.wants.keys())
      for (const step of this.#ends(state, boxes.endWant(i, here, want)))
        yield this.#after(state, i, step, { label: 'gives up its want' });
    if (this.#may(state, 'tick'))
      for (const step of this.#ends(state, boxes.tick(i, here, now)))
        yield this.#after(state, i, step, { label: 'its clock', spends: 'tick' });
    const upload = boxes.upload(i, here);
    if (upload !== null) yield this.#says(state, i, upload, 'uploads');
    const sync = this.#may(state, 'sync') ? boxes.sync(i, here) : null;
    if (sync !== null) yield this.#says(state, i, sync, 'tells what it holds', 'sync');
    const beat = this.#may(state, 'heartbeat') ? boxes.heartbeat(i, here) : null;
    if (beat !== null) yield this.#says(state, i, beat, 'beats', 'heartbeat');
    if (this.#may(state, 'hello'))
      yield this.#after(state, i, boxes.hello(i, here), { label: 'says hello', spends: 'hello' });
    if (this.#may(state, 'line'))
      yield {
        label: `store ${i}: its line is ${here.run.session.line === 'up' ? 'down' : 'up'}`,
        state: {
          ...this.#lineIs(state, i, here.run.session.line === 'up' ? 'down' : 'up'),
          spent: spend(state, 'line'),
        },
      };
    if (this.#may(state, 'backup') && here.backup === null)
      yield { label: `store ${i}: a backup`, state: put(state, i, { ...here, backup: here.data }, 'backup') };
    if (this.#may(state, 'fault'))
      yield { label: `store ${i} dies`, state: put(state, i, { ...here, run: null }, 'fault') };
    if (this.#may(state, 'restore') && here.backup !== null) yield this.#restored(state, i);
  }

  #restored(state: State, i: number): Next {
    const here = box(state, i);
    const data = here.backup ?? here.data;
    const restored = { ...here, data, run: null, restores: here.restores + 1 };
    return { label: `store ${i}: its disk is put back`, state: put(state, i, restored, 'restore') };
  }

  async *#sale(state: State, i: number, basket: string): AsyncGenerator<Next> {
    const here = box(state, i);
    const now = this.#boxNow(state, i);
    const hashes = Array.from({ length: this.#space.codes }, (_, c) => codeAt(c).hash);
    const who = (hash: CodeHash) => `${boxId(i)}/${basket} ${hash}`;
    const mayAsk = this.#may(state, 'want');
    for (const step of this.#ends(state, this.#boxes.redeem(i, here, basket, hashes, now))) {
      if (step.sent.length > 0 && !mayAsk) continue;
      const verdicts = step.answer?.kind === 'answered' ? step.answer.verdicts : [];
      const approved = verdicts.flatMap((verdict, c) =>
        verdict.approved && verdict.redemption !== null ? (hashes[c] ?? []) : [],
      );
      const told = verdicts.map((verdict) => (verdict.approved ? 'approved' : verdict.reason)).join(', ');
      const redeemed = redeemedBy(here, step.box);
      const { label, state: after } = this.#after(state, i, step, {
        label: `basket ${basket} redeems: ${told || (step.answer?.kind ?? 'no answer')}`,
        ...(step.sent.length > 0 ? { spends: 'want' as const } : {}),
      });
      yield { label, state: see(after, approved.map(who)) };
      if (!here.isLate && redeemed.some((hash) => isVoidFinal(state, hash)))
        yield { label, state: { ...after, broken: 'S6: redeemed after the void was final' } };
    }
    if (!this.#may(state, 'reversal')) return;
    for (const hash of hashes)
      for (const step of this.#ends(state, this.#boxes.reverse(i, here, basket, hash, now))) {
        const { label, state: after } = this.#after(state, i, step, {
          label: `basket ${basket} is reversed`,
          spends: 'reversal',
        });
        const isDone = step.answer?.kind === 'reversed';
        const undone = isDone ? including(after.undone, who(hash)) : after.undone;
        yield { label, state: judged({ ...after, asked: including(after.asked, who(hash)), undone }) };
      }
  }

  #after<A>(
    state: State,
    i: number,
    step: BoxStep<A>,
    { label = '', spends }: { readonly label?: string; readonly spends?: Budgeted },
  ): Next {
    const { epoch, bootId, gateway } = step.box.data.box;
    const header = (type: Up['type']): Header => ({
      ...{ v: 1 as const, id: 'message', gateway, incarnation: FIXED.incarnation, epoch, bootId, type },
    });
    const up = step.sent.reduce((all, message) => say(all, { header: header(message.type), message }), state.up);
    const wrong = step.wrong === null ? '' : `, ${step.wrong}`;
    let after = put({ ...state, up }, i, step.box, spends ?? null);
    if (step.wrong !== null) after = { ...after, spent: spend(after, 'fault') };
    return { label: `store ${i} ${label}${wrong}`, state: judged(after) };
  }

  #says(state: State, i: number, message: Up, label: string, spends: Budgeted | null = null): Next {
    const step = { box: box(state, i), sent: [message], answer: null, wrong: null };
    return this.#after(state, i, step, { label: label + describe(message), ...(spends === null ? {} : { spends }) });
  }

  #lineIs(state: State, i: number, line: 'up' | 'down'): State {
    const here = box(state, i);
    if (here.run === null) return state;
    return put(state, i, { ...here, run: { ...here.run, session: { ...here.run.session, line } } }, null);
  }

  /** Those in which something goes wrong only as often as it may. */
  #ends<A>(state: State, steps: readonly BoxStep<A>[]): readonly BoxStep<A>[] {
    return this.#may(state, 'fault') ? steps : steps.filter(({ wrong }) => wrong === null);
  }

  #may(state: State, what: Budgeted): boolean {
    return (state.spent[what] ?? 0) < (this.#space.most[what] ?? 0);
  }

  #cloudNow({ t }: State): number {
    return T0 + (this.#space.instants?.[t] ?? 0);
  }

  #boxNow(state: State, i: number): Now {
    const { behindMs = 0, wrongMs = 0 } = this.#space;
    const at = this.#cloudNow(state) - (box(state, i).isLate ? wrongMs : behindMs);
    return { at, clock: { proven: true, earliest: at, latest: at } };
  }
}

function box(state: State, i: number): BoxState {
  const here = state.boxes[i];
  if (here === undefined) throw new Error(`no box ${i}`);
  return here;
}

/** But for ids that were made and not used. */
function isSame(one: LedgerImage, other: LedgerImage): boolean {
  return (Object.keys(one) as (keyof LedgerImage)[]).every((key) => key === 'ids' || one[key] === other[key]);
}

function first<T>([one]: readonly T[]): T {
  if (one === undefined) throw new Error('nothing came of a step');
  return one;
}

function spend(state: State, what: Budgeted): State['spent'] {
  return { ...state.spent, [what]: (state.spent[what] ?? 0) + 1 };
}

function put(state: State, i: number, here: BoxState, spends: Budgeted | null): State {
  const boxes = state.boxes.map((other, index) => (index === i ? here : other));
  return { ...state, boxes, spent: spends === null ? state.spent : spend(state, spends) };
}

function say(up: readonly Message[], message: Message): readonly Message[] {
  const text = JSON.stringify(message);
  return up.some((other) => JSON.stringify(other) === text) ? up : [...up, message];
}

function describe(message: Up | Down): string {
  switch (message.type) {
    case 'grant':
      return ` ${message.body.number}`;
    case 'journal':
      return ` to ${message.body.head.n}: ${message.body.entries.map(({ kind }) => kind).join(' ')}`;
    default:
      return '';
  }
}
