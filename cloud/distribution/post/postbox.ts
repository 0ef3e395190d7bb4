import type { Address } from '../identity.ts';
import type { Post } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import { type Contents, sealContents } from './contents.ts';
import type { NewMessage, PostChannel, PostStore } from './store.ts';

export type PostboxPorts = {
  readonly store: PostStore;
  readonly secrets: Secrets;
  /** The channels that have a provider. */
  readonly channels: ReadonlySet<PostChannel>;
  readonly now: () => number;
};

type Asked = Pick<NewMessage, 'id' | 'kind' | 'campaign' | 'channel' | 'addressHash' | 'language'> &
  Partial<Pick<NewMessage, 'customer' | 'assignment' | 'expiresAt' | 'askedWith'>>;

/** Where messages that somebody waits for are noted: durable when it resolves, and sent before all others. */
export class Postbox implements Post {
  readonly #ports: PostboxPorts;
  #wake: () => void = () => undefined;

  constructor(ports: PostboxPorts) {
    this.#ports = ports;
  }

  readonly serves: Post['serves'] = (kind) => this.#ports.channels.has(channelOf(kind));

  readonly sendProof: Post['sendProof'] = async ({ claim, campaign, address, language, proof, expiresAt, consent }) => {
    const channel = channelOf(address.kind);
    const addressHash = this.#ports.secrets.hashIdentity(address);
    await this.put(
      { id: `proof-${claim}`, kind: 'proof', campaign, channel, addressHash, language, expiresAt, askedWith: consent },
      { to: address.value, proof },
    );
  };

  readonly sendCoupon: Post['sendCoupon'] = async ({ claim, address, ...coupon }) => {
    const channel = channelOf(address.kind);
    const addressHash = this.#ports.secrets.hashIdentity(address);
    await this.put({ id: `claimed-${claim}`, kind: 'reply', channel, addressHash, ...coupon }, { to: address.value });
  };

  /** @returns false where there is one of that id */
  async put(asked: Asked, contents: Contents): Promise<boolean> {
    const { store, secrets, channels, now } = this.#ports;
    const isServed = channels.has(asked.channel);
    const message: NewMessage = {
      ...{ customer: null, assignment: null, expiresAt: null, askedWith: null, delivery: null },
      ...asked,
      queue: asked.kind === 'proof' ? 'proof' : 'reply',
      sealed: isServed ? sealContents(secrets, asked.id, contents) : null,
      state: isServed ? 'queued' : 'suppressed',
      reason: isServed ? null : 'not_set_up',
      notBefore: now(),
      queuedAt: now(),
      endedAt: isServed ? null : now(),
    };
    const isNew = await store.transaction((tx) => tx.putMessage(message));
    this.#wake();
    return isNew;
  }

  /** Whoever sends them. */
  onNew(wake: () => void): void {
    this.#wake = wake;
  }
}

const channelOf = (kind: Address['kind']): PostChannel => (kind === 'email' ? 'email' : 'sms');
