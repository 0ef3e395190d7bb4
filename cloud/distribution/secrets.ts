import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import type { Identity } from './identity.ts';

/**
 * What keeps people's addresses and links secret. All keys come of the ledger's sealing key, each for one purpose, so that
 * what is known of one says nothing of another, and a backup needs no further key.
 */
export type Secrets = {
  /** By which an address is found again. Hexadecimal, 64 digits. */
  hashIdentity(identity: Pick<Identity, 'kind' | 'key'>): string;
  /** The same of the retailer's number, as it travels [F3]: a till that names somebody tells no more. */
  hashNumber(travels: string): string;
  /** AES-256-GCM, bound to its place: opening it as another row's fails. */
  seal(text: string, place: string): Uint8Array;
  /** @throws where it was changed, belongs elsewhere, or the key is another */
  open(sealed: Uint8Array, place: string): string;
  /** The personal link of an assignment: 128 bits, 22 characters. The same at each asking, and nowhere written down. */
  linkOf(assignment: string): string;
  /** How a link is found. Hexadecimal, 64 digits. */
  hashLink(link: string): string;
  /** Of a one-time code; bound to its claim. */
  hashProof(claim: string, proof: string): string;
};

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LINK_BYTES = 16;

export function createSecrets(sealKey: Uint8Array, randomBytes: (size: number) => Uint8Array): Secrets {
  // Node works much faster with key objects than with bytes.
  const keyFor = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', sealKey, '', `tearline ${purpose}`, 32)));
  const identityKey = keyFor('identity hash');
  const personKey = keyFor('personal data');
  const linkKey = keyFor('personal link');
  const proofKey = keyFor('one-time code');
  const mac = (key: KeyObject, text: string) => createHmac('sha256', key).update(text, 'utf8');
  return {
    hashIdentity: ({ kind, key }) => mac(identityKey, `${kind}\n${key}`).digest('hex'),
    hashNumber: (travels) => mac(identityKey, `number that travels\n${travels}`).digest('hex'),
    seal(text, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', personKey, nonce);
      cipher.setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, place) {
      const decipher = createDecipheriv('aes-256-gcm', personKey, sealed.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const body = sealed.subarray(NONCE_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    },
    linkOf: (assignment) => mac(linkKey, assignment).digest().subarray(0, LINK_BYTES).toString('base64url'),
    hashLink: (link) => createHash('sha256').update(`link\n${link}`).digest('hex'),
    hashProof: (claim, proof) => mac(proofKey, `${claim}\n${proof}`).digest('hex'),
  };
}

/** What a coupon's code is sealed for. */
export const codePlace = (assignment: string): string => `code of ${assignment}`;

/** A link as we make them: 16 bytes in base64url. What has another form is not looked up. */
export const isLink = (text: string): boolean => /^[A-Za-z0-9_-]{21}[AQgw]$/.test(text);

export const sameHash = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
