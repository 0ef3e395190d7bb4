import { expect, test } from 'vitest';
import { blankKeyOf, openBlank, sealBlank } from '../../protocol/blank-seal.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import { hashOfDigit } from './ledger-rows.ts';

const box = () => blankKeyOf(readPrivateKey(makeKeyPair().privatePem));
const text = { code: '7KQ29MXD4TRB8WNS', link: 'https://coupons.example/c/abc' };
const place = { gateway: 'gw-00000001', codeHash: hashOfDigit('c') };

test('a blank is read by the box that it is sealed for, as that code, and by nobody else [I5]', () => {
  const mine = box();
  const sealed = sealBlank(mine.publicKey, text, place) ?? '';
  expect(openBlank(mine, sealed, place)).toEqual({ ok: true, value: text });
  const unreadable = { ok: false, error: 'unreadable' };
  expect(openBlank(box(), sealed, place)).toEqual(unreadable);
  expect(openBlank(mine, sealed, { ...place, codeHash: hashOfDigit('d') })).toEqual(unreadable);
  expect(openBlank(mine, sealed, { ...place, gateway: 'gw-00000002' })).toEqual(unreadable);
});

test('no byte of it can be changed, none left off, and nothing of the text is seen in it [I5]', () => {
  const mine = box();
  const sealed = sealBlank(mine.publicKey, text, place) ?? '';
  const bytes = Buffer.from(sealed, 'base64url');
  expect(bytes.includes(text.code)).toBe(false);
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(openBlank(mine, changed.toString('base64url'), place).ok, `byte ${at}`).toBe(false);
    expect(openBlank(mine, bytes.subarray(0, at).toString('base64url'), place).ok).toBe(false);
  }
});

test('each is sealed under a key of its own, and a key that keeps no secret is refused [I5]', () => {
  const mine = box();
  expect(sealBlank(mine.publicKey, text, place)).not.toBe(sealBlank(mine.publicKey, text, place));
  expect(sealBlank(Buffer.alloc(32).toString('base64url'), text, place)).toBeNull();
});

test('a box has the same key at every start [I5]', () => {
  const { privatePem } = makeKeyPair();
  expect(blankKeyOf(readPrivateKey(privatePem)).publicKey).toBe(blankKeyOf(readPrivateKey(privatePem)).publicKey);
});
