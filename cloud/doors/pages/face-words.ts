import type { Card } from '../../../protocol/card.ts';
import type { Face } from '../../distribution/faces.ts';
import type { Locale } from './locale.ts';

/** What a face says of its coupon's state, in the person's language and by the person's clock. */

export type Said = { readonly say: string; readonly lines: readonly string[] };

export function say(face: Face, locale: Locale): Said {
  const { state, terms } = face;
  const { words, times, money } = locale;
  const here = times(zoneOf(face));
  switch (state.kind) {
    case 'usable':
      return {
        say: `${words.ready}.`,
        lines: state.onlyAt === null ? [] : [words.onlyAt(storeName(face, state.onlyAt) ?? state.onlyAt)],
      };
    case 'held': {
      const { since, until } = state;
      const where = placeWords(face, state.store, state.lane, state.store === null, locale);
      const back = until === null ? words.held.backLater : words.held.back(here.clock(until));
      return {
        say: words.held.say,
        lines: [words.held.where(where, since === null ? null : here.clock(since)), back],
      };
    }
    case 'held_silent':
      return { say: words.silent.say(storeName(face, state.store)), lines: [words.silent.rest] };
    case 'redeemed': {
      const where = placeWords(face, state.store, state.lane, state.isOnline, locale);
      return {
        say: state.saved === null ? words.redeemed.say : words.redeemed.saved(money(state.saved)),
        lines: [here.withDay(state.at), ...(where === '' ? [] : [where])],
      };
    }
    case 'expired':
      return {
        say: words.expired.say(lastDay(terms.card, state.endedAt, face, locale)),
        lines: [state.isUnused ? words.expired.unused : words.expired.unsure],
      };
    case 'voided':
      return { say: words.voided.say, lines: [words.voided.rest] };
    case 'not_yet':
      return { say: words.early.say(firstDay(terms.card, face, locale)), lines: [words.early.rest] };
    case 'replaced':
      return { say: words.replaced.say, lines: [words.replaced.rest] };
  }
}

/** The person's own, else the store's where it was used, else the campaign's. */
export function zoneOf({ person, state, storesById, terms }: Face): string {
  const store = state.kind === 'redeemed' || state.kind === 'held' ? state.store : null;
  return person?.timeZone ?? (store === null ? undefined : storesById.get(store)?.timeZone) ?? terms.card.timeZone;
}

/** A date is written as it is; an instant as the day on which it falls for its reader. The end is exclusive. */
function lastDay({ endsAt }: Card, endedAt: number, face: Face, { times }: Locale): string {
  return endsAt.length === 10 ? times('UTC').day(Date.parse(endsAt)) : times(zoneOf(face)).day(endedAt - 1);
}

function firstDay({ startsAt }: Card, face: Face, { times }: Locale): string {
  return startsAt.length === 10
    ? times('UTC').day(Date.parse(startsAt))
    : times(zoneOf(face)).withDay(Date.parse(startsAt));
}

function placeWords(face: Face, store: string | null, lane: string | null, isOnline: boolean, locale: Locale): string {
  const { words } = locale;
  if (isOnline) return words.online;
  const parts = [storeName(face, store), lane === null ? null : words.lane(lane)];
  return parts.filter((part) => part !== null).join(', ');
}

/** A store that is not known any more keeps its number. */
function storeName({ storesById }: Face, store: string | null): string | null {
  return store === null ? null : (storesById.get(store)?.name ?? store);
}
