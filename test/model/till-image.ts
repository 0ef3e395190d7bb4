import { GENESIS_HASH, type Entry } from '../../protocol/journal.ts';
import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Answer, Box, CodeKnown, EntryPlace, Reservation } from '../../gateway/till/box-rules.ts';
import type { Change } from '../../gateway/till/draft-rules.ts';
import type { BasketKnown, DueQuery, Holding, NewBox, TillStore } from '../../gateway/till/store.ts';

/** All that one box has on its disk, as a value: a backup is the same value kept. */
export type TillImage = {
  readonly box: Box & { readonly gateway: string };
  readonly journal: readonly Entry[];
  readonly reservations: ReadonlyMap<string, Reservation>;
  readonly answers: ReadonlyMap<string, Answer>;
  readonly cards: ReadonlyMap<string, readonly Card[]>;
  /** By epoch: the number up to which the cloud has received entries as evidence. */
  readonly evidence: ReadonlyMap<number, number>;
};

export const emptyTill = ({ gateway, incarnation, epoch }: NewBox): TillImage => ({
  box: {
    ...{ gateway, incarnation, epoch, bootId: 0, head: { epoch, n: 0, hash: GENESIS_HASH } },
    ...{ acknowledged: 0, floor: 0, highWater: 0, stoppedClean: true, fence: null },
  },
  journal: [],
  reservations: new Map(),
  answers: new Map(),
  cards: new Map(),
  evidence: new Map(),
});

/** The store port over one image. What SQLite would refuse as a second row replaces the first: the rules are on trial alone. */
export class TillImages implements TillStore {
  image: TillImage;
  #before: TillImage;

  constructor(image: TillImage) {
    this.image = image;
    this.#before = image;
  }

  box = () => this.image.box;
  isMade = () => true;
  make = unused;
  forms = () => [];
  blank = () => null;
  issue = () => null;
  issuedText = unused;
  blanks = () => [];
  scans = () => [];
  close = () => undefined;
  checkpoint = () => undefined;

  code(codeHash: CodeHash): CodeKnown {
    return {
      open: this.#active()
        .filter((reservation) => reservation.codeHash === codeHash)
        .sort((a, b) => a.number - b.number),
      answers: [...this.image.answers.values()].filter((answer) => answer.codeHash === codeHash),
    };
  }

  reservation(id: string): Reservation | null {
    return this.image.reservations.get(id) ?? null;
  }

  installedUpTo(epoch: number, number: number): Reservation[] {
    return this.#active().filter((held) => held.epoch === epoch && held.number <= number);
  }

  due({ epoch, endedAt, usedUntil, usedBeyond, lapsedAt, fetchedToo }: DueQuery): Reservation[] {
    return this.#active().filter(
      ({ epoch: its, use, mark, notAfter, origin }) =>
        its === epoch &&
        ((use === null && (notAfter <= endedAt || (fetchedToo && origin === 'scan'))) ||
          (use !== null && (use.until <= usedUntil || use.until > usedBeyond)) ||
          (mark !== null && mark.deadline !== null && mark.deadline <= lapsedAt)),
    );
  }

  cards(campaign: string): readonly Card[] {
    return this.image.cards.get(campaign) ?? [];
  }

  holdings(epoch: number): string[] {
    return this.#active()
      .flatMap((held) => (held.epoch === epoch ? held.reservation : []))
      .sort();
  }

  holding(epoch: number): Holding {
    const held = this.#active().filter((reservation) => reservation.epoch === epoch);
    const inUse = held.filter(({ use }) => use !== null).length;
    return { holding: held.length, inUse, holdsUntil: null, blanks: 0 };
  }

  basket(door: string, basket: string): BasketKnown {
    const isOf = (answer: Answer) => answer.door === door && answer.basket === basket;
    return { answers: [...this.image.answers.values()].filter(isOf), uses: [] };
  }

  hashAt({ epoch, n }: EntryPlace): string | null {
    if (n === 0) return epoch === this.image.box.epoch ? GENESIS_HASH : null;
    return this.image.journal.find((entry) => entry.epoch === epoch && entry.n === n)?.hash ?? null;
  }

  entries(epoch: number, from: number, most: number): Entry[] {
    return this.image.journal.filter((entry) => entry.epoch === epoch && entry.n >= from).slice(0, most);
  }

  oldestAt = () => null;

  epochs(): EntryPlace[] {
    const last = new Map(this.image.journal.map(({ epoch, n }) => [epoch, n]));
    return [...last].map(([epoch, n]) => ({ epoch, n }));
  }

  evidence(epoch: number): number {
    return this.image.evidence.get(epoch) ?? 0;
  }

  begin(): void {
    this.#before = this.image;
  }

  commit(): void {
    this.#before = this.image;
  }

  rollback(): void {
    this.image = this.#before;
  }

  apply(changes: readonly Change[], entries: readonly Entry[]): void {
    for (const change of changes) this.image = applied(this.image, change);
    const last = entries.at(-1);
    if (last === undefined) return;
    const { epoch, n, hash } = last;
    this.image = {
      ...this.image,
      journal: [...this.image.journal, ...entries],
      box: { ...this.image.box, head: { epoch, n, hash } },
    };
  }

  #active(): Reservation[] {
    return [...this.image.reservations.values()].filter(({ state }) => state === 'active');
  }
}

function unused(): never {
  throw new Error('no space of the model needs this');
}

function applied(image: TillImage, change: Change): TillImage {
  const box = (changed: Partial<Box>): TillImage => ({ ...image, box: { ...image.box, ...changed } });
  const held = (id: string, changed: Partial<Reservation>): TillImage => {
    const before = image.reservations.get(id);
    if (before === undefined) throw new Error(`no reservation ${id}`);
    return { ...image, reservations: new Map(image.reservations).set(id, { ...before, ...changed }) };
  };
  switch (change.do) {
    case 'journal':
      return image; // comes as an entry
    case 'install': {
      const installed = { ...change.reservation, use: null, mark: null };
      return { ...image, reservations: new Map(image.reservations).set(installed.reservation, installed) };
    }
    case 'bury': {
      const { reservation, codeHash, generation, epoch } = change;
      const buried: Reservation = {
        ...{ reservation, codeHash, generation, epoch, lastFour: '', campaign: '', cardVersion: 0, personal: null },
        ...{ number: 0, notAfter: 0, state: 'returned', origin: 'scan', use: null, mark: null },
      };
      return { ...image, reservations: new Map(image.reservations).set(reservation, buried) };
    }
    case 'close':
      return held(change.reservation, { state: change.as, mark: null });
    case 'use':
      return held(change.of.reservation, { use: change.use });
    case 'end_use':
      return held(change.reservation, { use: null });
    case 'mark':
      return held(change.reservation, { mark: change.mark });
    case 'unmark':
      return held(change.reservation, { mark: null });
    case 'move_end':
      return held(change.reservation, { notAfter: change.notAfter });
    case 'floor':
      return box({ floor: change.number });
    case 'answer': {
      const { door, codeHash, basket } = change.answer;
      return { ...image, answers: new Map(image.answers).set(`${door} ${codeHash} ${basket}`, change.answer) };
    }
    case 'acknowledged':
      return box({ acknowledged: change.n });
    case 'evidence': {
      const n = Math.max(image.evidence.get(change.epoch) ?? 0, change.n);
      return { ...image, evidence: new Map(image.evidence).set(change.epoch, n) };
    }
    case 'fence':
      return box({ fence: change.fence });
    case 'boot':
      return box({ bootId: change.bootId });
    case 'running':
      return box({ stoppedClean: false });
    case 'stopped':
      return box({ stoppedClean: true });
    case 'card': {
      const { campaign } = change.card.offer;
      return {
        ...image,
        cards: new Map(image.cards).set(campaign, [...(image.cards.get(campaign) ?? []), change.card]),
      };
    }
    case 'high_water':
      return box({ highWater: change.at });
    case 'scan':
    case 'scans_taken':
      return image; // counted, and nothing is decided by it
    case 'issue':
      return unused();
  }
}
