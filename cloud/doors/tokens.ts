import { hash, randomBytes } from 'node:crypto';
import { z } from 'zod';

/** What a token opens. Admin includes desk; cart is for carts alone. */
export const scopeSchema = z.enum(['cart', 'admin', 'desk']);
export type Scope = z.infer<typeof scopeSchema>;

/** A cart's name becomes its door, `cart:NAME`; the others follow the same form. */
export const tokenNameSchema = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);

/** Who asks, by a token. Tokens of one scope and name are one caller: a new one can be brought in before the old one goes. */
export type Caller = { readonly scope: Scope; readonly name: string };

export interface TokenStore {
  add(tokenHash: string, caller: Caller, at: number): Promise<void>;
  find(tokenHash: string): Promise<Caller | null>;
  /** @returns how many tokens of that name are gone */
  revoke(name: string): Promise<number>;
}

/** @returns the token `tl_<scope>_<43 characters>`, to be shown once: only its hash is kept */
export async function createToken(tokens: TokenStore, caller: Caller, at: number): Promise<string> {
  const token = `tl_${caller.scope}_${randomBytes(32).toString('base64url')}`;
  await tokens.add(hashToken(token), caller, at);
  return token;
}

/** Found by its hash: nothing is compared character by character, and a stolen database opens no door. */
export async function findCaller(tokens: TokenStore, token: string): Promise<Caller | null> {
  return /^tl_(cart|admin|desk)_[A-Za-z0-9_-]{43}$/.test(token) ? tokens.find(hashToken(token)) : null;
}

export function includes(has: Scope, needs: Scope): boolean {
  return has === needs || (has === 'admin' && needs === 'desk');
}

const hashToken = (token: string): string => hash('sha256', token);
