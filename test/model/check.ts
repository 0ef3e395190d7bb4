import { hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { TillImage } from './till-image.ts';
import type { State } from './state.ts';
import type { World } from './world.ts';

export type Checked = {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** Nothing that can happen was left out. */
  readonly isExhausted: boolean;
  readonly broken: { readonly what: string; readonly trace: readonly string[] } | null;
};

export type Limits = { readonly states: number; readonly deadlineMs?: number };

/** Everything that can happen, breadth first, so that a trace that is found is a shortest one. */
export async function check(world: World, limits: Limits): Promise<Checked> {
  const start = await world.first();
  const seen = new Seen(limits.states);
  seen.add(keyOf(start));
  const parents = [-1];
  const labels = ['start'];
  let frontier: { readonly state: State; readonly id: number }[] = [{ state: start, id: 0 }];
  let [transitions, depth] = [0, 0];
  const trace = (id: number): string[] => {
    const steps: string[] = [];
    for (let at = id; at > 0; at = parents[at] ?? -1) steps.push(labels[at] ?? '');
    return steps.reverse();
  };
  const result = (isExhausted: boolean, broken: Checked['broken']): Checked => ({
    ...{ states: labels.length, transitions, depth, isExhausted, broken },
  });
  const endsAt = limits.deadlineMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + limits.deadlineMs;
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { state, id } of frontier) {
      // Timers that the steps have set come to nothing, but they must go.
      if (id % 512 === 0) await turn();
      for await (const { label, state: after } of world.next(state)) {
        transitions += 1;
        if (!seen.add(keyOf(after))) continue;
        parents.push(id);
        labels.push(label);
        const at = labels.length - 1;
        if (after.broken !== null) return result(false, { what: after.broken, trace: trace(at) });
        if (labels.length >= limits.states || Date.now() > endsAt) return result(false, null);
        next.push({ state: after, id: at });
      }
    }
    frontier = next;
    depth += 1;
  }
  return result(true, null);
}

/**
 * Ids and hashes count by where they first stand, not by what they are: histories that differ only in them are one. The
 * pieces that a step leaves alone are taken apart once.
 */
function keyOf({ t, cloud, boxes, up, shown, asked, undone, voids, spent, broken }: State): string {
  const { codes, reservations, redemptions, reversals, uses, waits, gateways, journals, outbox, exceptions } = cloud;
  const pieces = [
    pieceOfText(JSON.stringify([t, Object.entries(spent).sort(), broken])),
    ...[shown, asked, undone, voids, exceptions].map(pieceOf),
    ...[codes, reservations, redemptions, reversals, uses, waits, gateways, journals].map(pieceOf),
    ...boxes.flatMap(({ data, witness, isBlind, isLate, run, backup, restores }) => [
      ...tillPieces(data),
      ...(backup === null ? [NOTHING] : tillPieces(backup)),
      ...(run === null ? [OFF] : [pieceOf(run.session), run.witnessed === null ? NOTHING : pieceOf(run.witnessed)]),
      ...(witness === null ? [NOTHING] : [pieceOf(witness)]),
      pieceOfText(`${restores} ${isBlind} ${isLate}`),
    ]),
    // Sets: in an order that does not hang on the ids.
    ...outbox.map(pieceOf).sort(byMask),
    ...up.map(pieceOf).sort(byMask),
  ];
  const names = new Map<string, number>();
  const text: (string | number)[] = [];
  for (const piece of pieces) {
    text.push(piece.mask);
    for (const name of piece.names) {
      const known = names.get(name);
      if (known === undefined) names.set(name, names.size);
      text.push(known ?? names.size - 1);
    }
  }
  return text.join();
}

const tillPieces = ({ box, journal, reservations, answers, cards, evidence }: TillImage): Piece[] =>
  [box, journal, reservations, answers, cards, evidence].map(pieceOf);

/** A text without its ids and hashes, and these in the order in which they stand. */
type Piece = { readonly mask: string; readonly names: readonly string[] };
const NOTHING: Piece = { mask: 'none', names: [] };
const OFF: Piece = { mask: 'off', names: [] };
const NAME = /<[cb][^>]*>|[0-9a-f]{64}/g;

const pieces = new WeakMap<object, Piece>();

function pieceOf(value: object): Piece {
  const known = pieces.get(value);
  if (known !== undefined) return known;
  const piece = pieceOfText(JSON.stringify(value, plain));
  pieces.set(value, piece);
  return piece;
}

/** How often a row was written is no part of what it says. */
function plain(key: string, value: unknown): unknown {
  if (key === 'version' && typeof value === 'number') return undefined;
  return value instanceof Map ? [...value.values()] : value;
}

function pieceOfText(text: string): Piece {
  const names: string[] = [];
  const rest = text.replace(NAME, (name) => {
    names.push(name);
    return '#';
  });
  return { mask: hash('md5', rest, 'base64url'), names };
}

const byMask = (a: Piece, b: Piece): number => (a.mask < b.mask ? -1 : a.mask > b.mask ? 1 : 0);

/** States that were met, by 64 bits of their hash: two that share them would hide each other, one chance in 10^8 for a million. */
class Seen {
  readonly #slots: BigUint64Array;
  readonly #mask: number;

  constructor(most: number) {
    const size = 2 ** Math.ceil(Math.log2(most * 2 + 16));
    this.#slots = new BigUint64Array(size);
    this.#mask = size - 1;
  }

  /** @returns false: it was there */
  add(key: string): boolean {
    const digest = hash('md5', key, 'buffer');
    const found = digest.readBigUInt64LE(0) || 1n;
    let slot = digest.readUInt32LE(8) & this.#mask;
    for (;;) {
      const there = this.#slots[slot];
      if (there === found) return false;
      if (there === 0n) {
        this.#slots[slot] = found;
        return true;
      }
      slot = (slot + 1) & this.#mask;
    }
  }
}
