import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Codes at rest: AES-256-GCM over a whole chunk, bound to its place, so that blocks cannot be swapped. */
export type CodeSeal = { readonly key: Uint8Array; readonly randomBytes: (size: number) => Uint8Array };

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param codes printable ASCII @param place which chunk it is; opening it as another fails */
export function sealCodes({ key, randomBytes }: CodeSeal, codes: readonly string[], place: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(place));
  const lines = codes.map((code) => `${code}\n`).join('');
  const body = Buffer.concat([cipher.update(lines, 'latin1'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** @throws where the block was changed, belongs elsewhere, or the key is another */
export function openCodes({ key }: Pick<CodeSeal, 'key'>, sealed: Uint8Array, place: string): string[] {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(place));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
    'latin1',
  );
  return text.match(text.includes('\n') ? /[^\n]+/g : UNPARTED) ?? [];
}

/** Blocks of before there were imported codes: ours, one behind the other. */
const UNPARTED = /.{16}/g;
