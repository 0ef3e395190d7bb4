import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

declare const codeBrand: unique symbol;
declare const codeHashBrand: unique symbol;

/**
 * A code in its normal form. Ours: 16 upper-case characters of Crockford's base 32, no hyphens, the check character right.
 * Imported: its lenient reading. An industry coupon's: see barcode/.
 */
export type Code = string & { readonly [codeBrand]: true };
/** HMAC-SHA-256 of a code under the fleet's key: 64 lower-case hexadecimal digits. */
export type CodeHash = string & { readonly [codeHashBrand]: true };

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_CHARACTERS = 15;
const CODE_CHARACTERS = RANDOM_CHARACTERS + 1;
/** A prime above 32: its remainders differ for every single wrong character and every swap of neighbours. */
const CHECK_MODULUS = 37;

/**
 * Our form: 16 characters of our alphabet which are not digits alone. Then it is a code, or `malformed` where the check
 * character is wrong; null for all else. Bare digits are never ours, because a product can give 16 of them (a GTIN-14
 * behind its 01, as on fresh produce), and so can a loyalty card; makeCodes draws no such code. Digits with hyphens were
 * typed from a coupon. A code with characters missing or too many has not our form either: its length is all that tells
 * it from a product.
 * @param text without white space
 */
export function readOwn(text: string): Code | 'malformed' | null {
  const normal = normalForm(text);
  if (normal === null) return null;
  return checks(normal) ? asCode(normal) : 'malformed';
}

/**
 * New codes: 15 random characters (75 bits) and their check character. Not compared with each other or with older
 * ones: a repetition is what the ledger's unique column is for.
 * @param count how many; a million take well under a second
 * @param randomBytes gives `size` unpredictable bytes, as node:crypto's randomBytes does
 * @throws RangeError on a count that is no whole number; Error on a source of randomness that is short or stuck
 */
export function makeCodes(count: number, randomBytes: (size: number) => Uint8Array): Code[] {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`cannot make ${count} codes`);
  const codes: Code[] = [];
  let poolsInVain = 0;
  while (codes.length < count) {
    const before = codes.length;
    drawFrom(randomPool(count - before, randomBytes), codes);
    poolsInVain = codes.length === before ? poolsInVain + 1 : 0;
    if (poolsInVain === POOLS_IN_VAIN_MAX) throw new Error('the source of randomness repeats itself');
  }
  return codes;
}

/** One of ours as printed and shown: `7KQ2-9MXD-4TRB-8WNS`. */
export function formatCode(code: Code): string {
  return `${code.slice(0, 4)}-${code.slice(4, 8)}-${code.slice(8, 12)}-${code.slice(12)}`;
}

/** As it goes on paper: ours in groups, one made elsewhere in its normal form. */
export function printedCode(normal: string): string {
  const own = readOwn(normal);
  return own === null || own === 'malformed' ? normal : formatCode(own);
}

/** All that a lane, a log or a table may show of a code: four characters, fewer where they would be more than half of it. */
export function lastFour(code: Code): string {
  const shown = Math.min(LAST_CHARACTERS, Math.floor(code.length / 2));
  return code.slice(code.length - shown).padStart(LAST_CHARACTERS, '*');
}
const LAST_CHARACTERS = 4;

/** The only form in which a code travels on the link or lies on a box. @param fleetKey 32 bytes, the same in all boxes of a retailer */
export function hashCode(fleetKey: Uint8Array, code: Code): CodeHash {
  return asCodeHash(createHmac('sha256', keyObjectOf(fleetKey)).update(code, 'ascii').digest('hex'));
}

/** A retailer's customer number as it travels: hashed under the same key, and never mistaken for a code's hash. Hexadecimal. */
export function hashCustomer(fleetKey: Uint8Array, customer: string): string {
  return createHmac('sha256', keyObjectOf(fleetKey)).update(`customer\n${customer}`, 'utf8').digest('hex');
}

/** A code hash as written by hashCode; null for anything else, upper-case digits included. */
export function parseCodeHash(text: string): CodeHash | null {
  return /^[0-9a-f]{64}$/.test(text) ? asCodeHash(text) : null;
}

/** Which of the ledger's 16 chains a code's entries are in: 0 to 15, its hash's first digit. */
export function partitionOf(hash: CodeHash): number {
  return Number.parseInt(hash.slice(0, 1), 16);
}

function normalForm(text: string): string | null {
  if (/^[0-9]*$/.test(text)) return null;
  let normal = '';
  for (const character of text.replace(HYPHENS, '')) {
    const read = readings.get(character);
    if (read === undefined || normal.length === CODE_CHARACTERS) return null;
    normal += read;
  }
  return normal.length === CODE_CHARACTERS ? normal : null;
}

/** The keyboard's hyphen, and the dashes into which mail programs and word processors turn it. */
const HYPHENS = /[-\u2010-\u2015\u2212]/g;

// By table and not by toUpperCase, which turns letters of other alphabets into ours (ſ into S, ı into I).
const readings: ReadonlyMap<string, string> = new Map([
  ...[...ALPHABET].flatMap((character) => [
    [character, character] as const,
    [character.toLowerCase(), character] as const,
  ]),
  ...[...'Oo'].map((character) => [character, '0'] as const),
  ...[...'IiLl'].map((character) => [character, '1'] as const),
]);

function checks(normal: string): boolean {
  let remainder = 0;
  for (const character of normal.slice(0, RANDOM_CHARACTERS)) remainder = fold(remainder, ALPHABET.indexOf(character));
  return remainder === ALPHABET.indexOf(normal.slice(RANDOM_CHARACTERS));
}

/** The remainder of a base-32 number that grows by one digit: folded, the 75 bits never need a BigInt. */
function fold(remainder: number, digit: number): number {
  return (remainder * ALPHABET.length + digit) % CHECK_MODULUS;
}

/** Randomness is fetched for this many codes at once: a call for each would take most of the time. 60 kB. */
const CODES_PER_POOL_MAX = 4096;
/** A draw fails once in seven times; a hundred pools without a code are a broken source, not bad luck. */
const POOLS_IN_VAIN_MAX = 100;

function randomPool(codes: number, randomBytes: (size: number) => Uint8Array): Uint8Array {
  const size = Math.min(codes, CODES_PER_POOL_MAX) * RANDOM_CHARACTERS;
  const pool = randomBytes(size);
  if (pool.length !== size) throw new Error(`the source of randomness gave ${pool.length} bytes of ${size}`);
  return pool;
}

function drawFrom(pool: Uint8Array, codes: Code[]): void {
  for (let start = 0; start < pool.length; start += RANDOM_CHARACTERS) {
    const code = draw(pool, start);
    if (code !== null) codes.push(code);
  }
}

const letterBytes = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const FIRST_LETTER = 10;

/** One code from 15 bytes, or null: its check has no character in the alphabet, or it is all digits (see readCode). */
function draw(pool: Uint8Array, start: number): Code | null {
  const bytes: number[] = [];
  let remainder = 0;
  let largest = 0;
  for (let place = 0; place < RANDOM_CHARACTERS; place++) {
    const digit = byteAt(pool, start + place) % ALPHABET.length; // 32 divides 256: no character is favoured
    remainder = fold(remainder, digit);
    largest = Math.max(largest, digit);
    bytes.push(byteAt(letterBytes, digit));
  }
  if (remainder >= ALPHABET.length || Math.max(largest, remainder) < FIRST_LETTER) return null;
  bytes.push(byteAt(letterBytes, remainder));
  return asCode(String.fromCharCode(...bytes));
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index];
  if (byte === undefined) throw new RangeError(`no byte at ${index}`);
  return byte;
}

// The only two casts: what comes in was read, drawn or computed above.
const asCode = (normal: string): Code => normal as Code;
const asCodeHash = (hex: string): CodeHash => hex as CodeHash;

/** Node hashes six times faster under a key object than under raw bytes; there is one fleet key in a process. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

function keyObjectOf(fleetKey: Uint8Array): KeyObject {
  const known = keyObjects.get(fleetKey);
  if (known !== undefined) return known;
  const made = createSecretKey(fleetKey);
  keyObjects.set(fleetKey, made);
  return made;
}
