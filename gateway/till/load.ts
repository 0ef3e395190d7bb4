import { type Card, validityIn } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Down } from '../../protocol/messages.ts';
import type { Box, CodeKnown, EntryPlace, Known, KnownCodes, Reservation, Self, Session, Terms } from './box-rules.ts';
import type { KnownForIssue } from './issue-rules.ts';
import type { KnownForMessage } from './message-rules.ts';
import type { TillStore } from './store.ts';

/** What the rules need to know for one command, read in the transaction in which it is decided. */
export class Loader {
  readonly #store: TillStore;
  readonly #self: Self;
  /** A card's dates by this store's calendar take longer to work out than all the rest. */
  readonly #termsByVersion = new Map<string, Terms>();

  constructor(store: TillStore, self: Self) {
    this.#store = store;
    this.#self = self;
  }

  box(session: Session): Known {
    return { self: this.#self, box: this.#store.box(), session };
  }

  codes(session: Session, codeHashes: Iterable<CodeHash>, campaigns: Iterable<string> = []): KnownCodes {
    const codes = new Map<CodeHash, CodeKnown>();
    for (const codeHash of codeHashes) codes.set(codeHash, this.#store.code(codeHash));
    const held = [...codes.values()].flatMap(({ open }) => open.map(({ campaign }) => campaign));
    return { ...this.box(session), codes, terms: this.#terms([...held, ...campaigns]) };
  }

  forMessage(session: Session, message: Down): KnownForMessage {
    const box = this.#store.box();
    const extendable = message.type === 'extend' ? this.#store.installedUpTo(box.epoch, message.body.number) : [];
    const campaigns = [...campaignsOf(message), ...extendable.map(({ campaign }) => campaign)];
    return {
      ...this.codes(session, codesOf(message), campaigns),
      reservations: this.#reservations(reservationsOf(message)),
      extendable,
      hashThere: this.#hashAt(placeOf(message), box),
    };
  }

  forIssue(session: Session, campaign: string, basket: string): KnownForIssue {
    return {
      ...this.codes(session, [], [campaign]),
      issue: this.#store.issue(campaign, basket),
      blank: this.#store.blank(campaign),
    };
  }

  #reservations(ids: readonly string[]): ReadonlyMap<string, Reservation> {
    const known = new Map<string, Reservation>();
    for (const id of ids) {
      const reservation = this.#store.reservation(id);
      if (reservation !== null) known.set(id, reservation);
    }
    return known;
  }

  #terms(campaigns: Iterable<string>): ReadonlyMap<string, readonly Terms[]> {
    const book = new Map<string, readonly Terms[]>();
    for (const campaign of new Set(campaigns))
      book.set(
        campaign,
        this.#store.cards(campaign).map((card) => this.#termsOf(card)),
      );
    return book;
  }

  #termsOf(card: Card): Terms {
    const version = `${card.offer.campaign} ${card.version} ${card.startsAt} ${card.endsAt}`;
    const known = this.#termsByVersion.get(version);
    if (known !== undefined) return { card, validity: known.validity };
    const terms = { card, validity: validityIn(card, this.#self.timeZone) };
    this.#termsByVersion.set(version, terms);
    return terms;
  }

  #hashAt(place: EntryPlace | null, { epoch, head }: Box): string | null {
    if (place === null || place.epoch !== epoch || place.n > head.n) return null;
    return this.#store.hashAt(place);
  }
}

function placeOf(message: Down): EntryPlace | null {
  if (message.type === 'challenge') return { epoch: message.body.epoch, n: message.body.n };
  return message.type === 'ack' || message.type === 'welcome' ? message.body.acknowledged : null;
}

function codesOf(message: Down): CodeHash[] {
  switch (message.type) {
    case 'grant':
      return message.body.tombstones.map(({ codeHash }) => codeHash);
    case 'reverse':
    case 'outcome':
      return [message.body.codeHash];
    case 'challenge':
    case 'welcome':
    case 'refuse':
    case 'extend':
    case 'ack':
    case 'recall':
    case 'fence':
    case 'policy':
    case 'beat':
    case 'no_blanks':
    case 'coupon':
    case 'scans_taken':
      return [];
  }
}

function campaignsOf(message: Down): string[] {
  switch (message.type) {
    case 'grant':
      return [...message.body.manifest.map(({ campaign }) => campaign), ...message.body.cards.map(campaignOf)];
    case 'welcome':
    case 'policy':
      return message.body.cards.map(campaignOf);
    case 'challenge':
    case 'refuse':
    case 'extend':
    case 'ack':
    case 'recall':
    case 'reverse':
    case 'outcome':
    case 'fence':
    case 'beat':
    case 'no_blanks':
    case 'coupon':
    case 'scans_taken':
      return [];
  }
}

const campaignOf = ({ offer }: Card): string => offer.campaign;

function reservationsOf(message: Down): string[] {
  if (message.type === 'grant') return message.body.manifest.map(({ reservation }) => reservation);
  return message.type === 'recall' ? message.body.reservations.map(({ reservation }) => reservation) : [];
}
