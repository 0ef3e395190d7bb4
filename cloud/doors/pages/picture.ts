import { hash } from 'node:crypto';

/** A campaign's picture, given as a data address: faces load nothing from another host. */
export type Picture = { readonly type: string; readonly bytes: Buffer<ArrayBuffer> };

const DATA = /^data:(image\/(?:png|jpeg|webp|gif));base64,([A-Za-z0-9+/]+={0,2})$/;

/** Null: an address elsewhere, or none. */
export function readPicture(address: string | null): Picture | null {
  const [, type, base64] = DATA.exec(address ?? '') ?? [];
  return type === undefined || base64 === undefined ? null : { type, bytes: Buffer.from(base64, 'base64') };
}

/** Where it is served: another picture has another address. Null: there is none to serve. */
export function picturePath(campaign: string, address: string | null): string | null {
  return address === null || !DATA.test(address) ? null : `/pictures/${campaign}/${versionOf(address)}`;
}

export const versionOf = (address: string): string => hash('sha256', address).slice(0, 12);
