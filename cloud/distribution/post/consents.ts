import { err, ok, type Result } from '../../../protocol/result.ts';
import type { Address } from '../identity.ts';
import type { Secrets } from '../secrets.ts';
import type { PostStore, PostTx } from './store.ts';
import { readUnsubscribeToken, type Subscription } from './unsubscribe.ts';

/** Who has agreed to messages, when, where and to which words; and who wants no more. Kept by address, for that is what it is given for. */

export type Consent = {
  readonly address: Address;
  readonly givenAt: number;
  readonly source: string;
  /** What the person has read and agreed to, word by word. */
  readonly wording: string;
};

export type Consents = ReturnType<typeof createConsents>;

type Ports = { readonly store: PostStore; readonly secrets: Secrets; readonly now: () => number };

export function createConsents({ store, secrets, now }: Ports) {
  const subscriptionOf = (address: Address): Subscription => ({
    channel: address.kind === 'email' ? 'email' : 'sms',
    addressHash: secrets.hashIdentity(address),
  });
  const withdraw = (subscription: Subscription, how: string) =>
    store.transaction((tx) => tx.withdrawConsent({ ...subscription, at: now(), how }));

  return {
    /** @returns how many stand now, and which of them were withdrawn after they had been given: these stay withdrawn */
    async give(consents: readonly Consent[]): Promise<{ readonly given: number; readonly withdrawnSince: number }> {
      return store.transaction(async (tx) => {
        let withdrawnSince = 0;
        for (const { address, ...facts } of consents)
          if (!(await give(tx, { ...subscriptionOf(address), ...facts }))) withdrawnSince += 1;
        return { given: consents.length - withdrawnSince, withdrawnSince };
      });
    },
    withdraw: (address: Address, how: string) => withdraw(subscriptionOf(address), how),
    /** By the link of a message. */
    async unsubscribe(token: string): Promise<Result<null, 'no_link'>> {
      const subscription = readUnsubscribeToken(secrets, token);
      if (subscription === null) return err('no_link');
      await withdraw(subscription, 'link');
      return ok(null);
    },
    isLink: (token: string): boolean => readUnsubscribeToken(secrets, token) !== null,
    /** The newest that is known of it; null: nothing. */
    async of(address: Address) {
      const { channel, addressHash } = subscriptionOf(address);
      return store.read((tx) => tx.consent(channel, addressHash));
    },
  };
}

/** Who has said no is asked again, not overruled by an older yes. */
async function give(tx: PostTx, consent: Subscription & Omit<Consent, 'address'>): Promise<boolean> {
  const newest = await tx.consent(consent.channel, consent.addressHash);
  if (newest?.withdrawn != null && newest.withdrawn.at >= consent.givenAt) return false;
  await tx.giveConsent(consent);
  return true;
}
