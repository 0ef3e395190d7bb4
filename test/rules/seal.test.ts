import { createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openCodes, sealCodes } from '../../cloud/issuing/seal.ts';
import { makeCodes } from '../../protocol/code.ts';

const key = Buffer.alloc(32, 8);
const seal = { key, randomBytes };

test('codes of any length come back as they were, in their order', () => {
  const codes = fc.array(fc.stringMatching(/^[ -~]{1,96}$/), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(codes, (list) => {
      expect(openCodes(seal, sealCodes(seal, list, 'a/1'), 'a/1')).toEqual(list);
    }),
  );
});

test('a block is opened in its place alone, and not where a byte of it was changed', () => {
  const sealed = sealCodes(seal, ['SPRING-1', 'SPRING-2'], 'a/1');
  expect(sealed.includes('SPRING')).toBe(false);
  expect(() => openCodes(seal, sealed, 'a/2')).toThrow();
  expect(() => openCodes({ key: Buffer.alloc(32, 9) }, sealed, 'a/1')).toThrow();
  for (let place = 0; place < sealed.length; place += 1) {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(place) ^ 1, place);
    expect(() => openCodes(seal, changed, 'a/1')).toThrow();
  }
});

test('a block of before there were imported codes is read: ours, one behind the other', () => {
  const codes = makeCodes(3, randomBytes);
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12, 1)).setAAD(Buffer.from('a/1'));
  const body = Buffer.concat([cipher.update(codes.join(''), 'latin1'), cipher.final()]);
  expect(openCodes(seal, Buffer.concat([Buffer.alloc(12, 1), cipher.getAuthTag(), body]), 'a/1')).toEqual(codes);
});
