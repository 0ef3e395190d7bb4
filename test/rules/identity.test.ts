import { describe, expect, test } from 'vitest';
import { parseCustomerNumber, parseEmail, parsePhone } from '../../cloud/distribution/identity.ts';
import { personSchema, readPerson, sourceSchema } from '../../cloud/distribution/person-entry.ts';

const phone = (text: string, country: string | null = null) => {
  const read = parsePhone(text, country);
  return read.ok ? read.value.value : null;
};
const email = (text: string) => {
  const read = parseEmail(text);
  return read.ok ? { value: read.value.value, key: read.value.key } : null;
};

describe('a telephone number', () => {
  test('is the same however it is written', () => {
    for (const text of ['+1 202 555 0142', '+1 (202) 555-0142', '+12025550142', '+1.202.555.0142', '+1 202 555‑0142'])
      expect(phone(text)).toBe('+12025550142');
    expect(phone('0151 23456789', 'DE')).toBe('+4915123456789');
    expect(phone('+49 151 23456789', 'US')).toBe('+4915123456789');
  });

  test.each([
    ['without a country', '202 555 0142'],
    ['too short', '+1 202'],
    ['too long', '+1 202 555 01421234'],
    ['of no area', '+1 111 111 1111'],
    ['letters', '+1 800 FLOWERS'],
    ['digits of another alphabet', '+١٢٠٢٥٥٥٠١٤٢'],
    ['an extension', '+1 202 555 0142 ext. 5'],
    ['nothing', ''],
    ['a megabyte', '1'.repeat(1_000_000)],
  ])('is refused: %s', (_what, text) => {
    expect(phone(text)).toBeNull();
  });
});

describe('an e-mail address', () => {
  test('[D3] is one person’s however it is spelt, and is written to as it was given', () => {
    expect(email(' Ann@Example.COM ')).toEqual({ value: 'Ann@example.com', key: 'ann@example.com' });
    expect(email('ann+shop@example.com')?.key).toBe('ann@example.com');
    expect(email('a.n.n@googlemail.com')?.key).toBe('ann@gmail.com');
    expect(email('a.n.n@example.com')?.key).toBe('a.n.n@example.com');
  });

  test('of a domain in another alphabet travels in ASCII, and one that looks like ours is another', () => {
    expect(email('ann@müller.example')?.value).toBe('ann@xn--mller-kva.example');
    expect(email('ann@аpple.com')?.key).not.toBe(email('ann@apple.com')?.key);
  });

  test.each([
    ['letters that look like ours', 'аnn@example.com'],
    ['no sign', 'ann.example.com'],
    ['two', 'ann@example.com, bob@example.com'],
    ['a head of its own', 'ann@example.com\r\nBcc: bob@example.com'],
    ['a name', 'Ann <ann@example.com>'],
    ['no domain', 'ann@'],
    ['no name', '@example.com'],
    ['a space', 'a nn@example.com'],
    ['too long', `${'a'.repeat(250)}@example.com`],
  ])('is refused: %s', (_what, text) => {
    expect(email(text)).toBeNull();
  });
});

describe('what a retailer tells of a customer', () => {
  const read = (entry: unknown) => readPerson(personSchema.parse(entry), null);

  test('is taken with its number first, as not yet proved', () => {
    const told = read({ email: 'ann@example.com', customer: '0017', name: 'Ann Okafor', language: 'en' });
    expect(told.ok && told.value.identities.map(({ identity, verified }) => [identity.value, verified])).toEqual([
      ['0017', false],
      ['ann@example.com', false],
    ]);
    expect(told.ok && told.value.facts).toEqual({ name: 'Ann Okafor', language: 'en' });
  });

  test('is refused by field', () => {
    expect(read({ name: 'Nobody' })).toMatchObject({ ok: false, error: { field: 'customer' } });
    expect(read({ customer: '1', phone: '12' })).toMatchObject({ ok: false, error: { field: 'phone' } });
    expect(parseCustomerNumber('with space').ok).toBe(false);
    for (const entry of [{ customer: '1', name: 'Ann\r\nBcc: x' }, { customer: '1', timeZone: 'Mars' }, { nmae: 'x' }])
      expect(personSchema.safeParse(entry).success).toBe(false);
  });

  test('sources are few, short, and of plain names', () => {
    expect(sourceSchema.safeParse({ utm_source: 'news letter', utm_content: '=SUM(A1)' }).success).toBe(true);
    expect(sourceSchema.safeParse({ 'Utm-Source': 'x' }).success).toBe(false);
    expect(sourceSchema.safeParse({ utm_source: 'x'.repeat(129) }).success).toBe(false);
    const many = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`p${i}`, 'x']));
    expect(sourceSchema.safeParse(many).success).toBe(false);
  });
});
