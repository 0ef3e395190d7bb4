import type { Sighting } from './code-rules.ts';

/** A sighting as it rests: a place, and a day since 1970 in UTC. */

type Seen = Pick<Sighting, 'store' | 'at'>;

/** No store has an empty id. */
const ONLINE = '';
const DAY_MS = 86_400_000;

export const placeAndDay = ({ store, at }: Seen) => [store ?? ONLINE, Math.floor(at / DAY_MS)] as const;

/** As at the beginning of its day. */
export const sighting = (place: string, day: number): Seen => ({
  store: place === ONLINE ? null : place,
  at: day * DAY_MS,
});
