import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  makeKeyPair,
  openDown,
  openUp,
  readPrivateKey,
  readPublicKey,
  seal,
  type SigningKey,
} from '../../protocol/envelope.ts';
import { MESSAGE_BYTES_MAX } from '../../protocol/limits.ts';
import type { Header, Up } from '../../protocol/messages.ts';

function keyPair(id: string): SigningKey & { readonly publicKey: KeyObject } {
  const { privatePem, publicKey } = makeKeyPair();
  const read = readPublicKey(publicKey);
  if (read === null) throw new Error('no key');
  return { id, key: readPrivateKey(privatePem), publicKey: read };
}

const box = keyPair('key-of-box');
const stranger = keyPair('key-of-stranger');
const header: Omit<Header, 'v' | 'type'> = {
  ...{ id: 'message-0001', gateway: 'gw-aaaaaaaa1', incarnation: `1-${'0'.repeat(32)}`, epoch: 3, bootId: 7 },
};
const hello: Up = { type: 'hello', body: { nonce: 'nonce-0001', version: '1.0.0' } };
const keyOf = (id: string): KeyObject | null => (id === box.id ? box.publicKey : null);
const open = (bytes: Uint8Array) => openUp(bytes, keyOf);
const why = (bytes: Uint8Array) => {
  const opened = open(bytes);
  return opened.ok ? 'opened' : opened.error;
};

/** Any text, signed by the box as it stands. */
function signed(json: string, direction = 'up', by = box): Buffer {
  const signature = sign(null, Buffer.from(`tearline/v1/${direction}\n${json}`), by.key).toString('base64url');
  return Buffer.from(`${by.id}.${signature}.${json}`);
}
const wire = { ...header, v: 1, ...hello };

describe('an envelope', () => {
  test('that was sealed opens with its header and body, every field of it [T2, T5]', () => {
    expect(open(seal('up', header, hello, box))).toEqual({
      ok: true,
      value: { header: { ...header, v: 1, type: 'hello' }, message: hello },
    });
  });

  test('has the bytes that were frozen: key id, signature, canonical JSON [T2]', () => {
    // The key of RFC 8032's first test vector.
    const der = Buffer.from(
      `302e020100300506032b657004220420${'9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'}`,
      'hex',
    );
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const bytes = seal('up', header, hello, { id: 'golden-key', key }).toString();
    expect(bytes).toBe(
      'golden-key.jYoFjXFkYGkgmpQduIPpzxHJPcJ5nGDf4ntV4DSU0gG8QSRUv9b7J1b5zNMHdspsl3Is-7EEbxgAC3abXND2Bg.' +
        '{"body":{"nonce":"nonce-0001","version":"1.0.0"},"bootId":7,"epoch":3,"gateway":"gw-aaaaaaaa1","id":"message-0001",' +
        '"incarnation":"1-00000000000000000000000000000000","type":"hello","v":1}',
    );
    expect(openUp(Buffer.from(bytes), () => createPublicKey(key)).ok).toBe(true);
  });

  test('opens again: what a replay means is for the rules, which is why every message can come twice [T2]', () => {
    const bytes = seal('up', header, hello, box);
    expect([why(bytes), why(Buffer.from(bytes))]).toEqual(['opened', 'opened']);
  });

  test('is covered to its last byte: any byte that is changed and any that is cut off drops it [T2, T3]', () => {
    const bytes = seal('up', header, hello, box);
    for (let place = 0; place < bytes.length; place += 1) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 0x01;
      expect(why(changed), `byte ${place}`).not.toBe('opened');
      expect(why(bytes.subarray(0, place)), `${place} bytes`).not.toBe('opened');
    }
  });

  test('is not opened in the other direction [T2, T3]', () => {
    const down = seal('down', header, { type: 'beat', body: { beat: 'beat-0001', now: 1 } }, box);
    expect(openDown(down, keyOf).ok).toBe(true);
    expect(why(down)).toBe('bad_signature');
    expect(openDown(seal('up', header, hello, box), keyOf)).toEqual({ ok: false, error: 'bad_signature' });
  });

  test('of a key that is not known, or that claims the id of one that is, is dropped [T3]', () => {
    expect(why(seal('up', header, hello, stranger))).toBe('unknown_key');
    expect(why(seal('up', header, hello, { ...stranger, id: box.id }))).toBe('bad_signature');
  });

  test('that is larger than a message may be is dropped before it is read [T3]', () => {
    const large = signed(JSON.stringify({ ...wire, body: { ...hello.body, version: 'v'.repeat(MESSAGE_BYTES_MAX) } }));
    expect(why(large)).toBe('too_large');
  });

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'not_an_envelope'],
    ['a word', Buffer.from('hello'), 'not_an_envelope'],
    ['bytes that are no text', Buffer.alloc(500, 0xff), 'not_an_envelope'],
    ['two parts', Buffer.from('key-of-box.{}'), 'not_an_envelope'],
    ['a signature of another length', Buffer.from(`key-of-box.${'A'.repeat(85)}.{}`), 'not_an_envelope'],
    ['an empty signature', Buffer.from(`key-of-box.${'A'.repeat(86)}.{}`), 'bad_signature'],
    ['JSON that is none', signed('{not json}'), 'bad_header'],
    ['a list', signed('[]'), 'not_an_envelope'],
    ['an empty object', signed('{}'), 'bad_header'],
    ['a header without an epoch', signed(JSON.stringify({ ...wire, epoch: undefined })), 'bad_header'],
    ['a header with a field too many', signed(JSON.stringify({ ...wire, admin: true })), 'bad_header'],
    ['another version', signed(JSON.stringify({ ...wire, v: 2 })), 'bad_header'],
    ['an epoch that is no number', signed(JSON.stringify({ ...wire, epoch: '3' })), 'bad_header'],
    ['an epoch below zero', signed(JSON.stringify({ ...wire, epoch: -1 })), 'bad_header'],
    ['an incarnation that is none', signed(JSON.stringify({ ...wire, incarnation: '0' })), 'bad_header'],
    ['a type that nobody knows', signed(JSON.stringify({ ...wire, type: 'obey' })), 'unknown_type'],
    ['a type of the other direction', signed(JSON.stringify({ ...wire, type: 'grant' })), 'unknown_type'],
    ['a type from the prototype', signed(JSON.stringify({ ...wire, type: 'constructor' })), 'unknown_type'],
    [
      'a body with a field too many',
      signed(JSON.stringify({ ...wire, body: { ...hello.body, admin: true } })),
      'bad_body',
    ],
    ['a body with a field too few', signed(JSON.stringify({ ...wire, body: { nonce: 'nonce-0001' } })), 'bad_body'],
    ['a body that is none', signed(JSON.stringify({ ...wire, body: null })), 'bad_body'],
    ['no body', signed(JSON.stringify({ ...header, v: 1, type: 'hello' })), 'bad_header'],
  ])('of %s is dropped, and it is said why [T3]', (_, bytes, expected) => {
    expect(why(bytes)).toBe(expected);
  });

  test('takes a text that is no Ed25519 key for none [T3]', () => {
    for (const text of ['', 'A', 'not a key', 'A'.repeat(44)]) expect(readPublicKey(text)).toBeNull();
  });
});
