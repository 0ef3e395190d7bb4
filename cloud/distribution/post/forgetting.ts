import { setImmediate as turn } from 'node:timers/promises';
import type { PostStore } from './store.ts';

/** A year, and the weeks in which somebody asks what they were sent in the campaign of the year before. */
export const PERSONAL_KEPT_DAYS = 400;
const DAY_MS = 86_400_000;
/** What is forgotten is forgotten within the hour. */
const FORGET_MS = 3_600_000;
/** One transaction, of a few milliseconds. */
const MESSAGES_PER_TURN = 500;

/** Of old messages stays what became of them, for the counts; whose they were is forgotten. Call it again and again. */
export function createForgetting({ store, now }: { readonly store: PostStore; readonly now: () => number }) {
  let forgottenAt = Number.NEGATIVE_INFINITY;
  return async (): Promise<void> => {
    if (forgottenAt + FORGET_MS > now()) return;
    forgottenAt = now();
    const before = now() - PERSONAL_KEPT_DAYS * DAY_MS;
    while ((await store.transaction((tx) => tx.forgetPersonal(before, MESSAGES_PER_TURN))) === MESSAGES_PER_TURN)
      await turn();
  };
}
