import { describe, expect, test } from 'vitest';
import { readImportFile } from '../../cloud/issuing/import-file.ts';
import { IMPORT_BYTES_MAX, IMPORT_LINES_MAX } from '../../protocol/limits.ts';

/** @param pieces as they come over the network */
async function read(...pieces: readonly (string | Uint8Array)[]) {
  const file = await readImportFile(bytesOf(pieces));
  if (!file.ok) return file.error.why;
  const { codes, errors } = file.value;
  return { codes: codes.map(({ text, line }) => `${line}: ${text}`), errors: errors.inOrder(), count: errors.count };
}

async function* bytesOf(pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

const good = (...codes: string[]) => ({ codes, errors: [], count: 0 });

describe('a file of codes', () => {
  test.each([
    ['lines', 'SPRING1\nSPRING2\n', ['1: SPRING1', '2: SPRING2']],
    ['a header line', 'code\nSPRING1\n', ['2: SPRING1']],
    ['a header line in capitals, and other columns', 'CODE,valid until\nSPRING1,"May, 2027"\n', ['2: SPRING1']],
    ['a byte order mark and CRLF', '\ufeffcode\r\nSPRING1\r\nSPRING2\r\n', ['2: SPRING1', '3: SPRING2']],
    ['no line end at its end', 'SPRING1\nSPRING2', ['1: SPRING1', '2: SPRING2']],
    ['empty lines', '\nSPRING1\n\n\nSPRING2\n', ['2: SPRING1', '5: SPRING2']],
    ['quotes', '"SPRING,1"\n"SPRING""2"\n', ['1: SPRING,1', '2: SPRING"2']],
    ['a line end within quotes in another column', 'SPRING1,"a\nb"\nSPRING2,c\n', ['2: SPRING1', '3: SPRING2']],
    ['old line ends', 'SPRING1\rSPRING2\r', ['1: SPRING1', '2: SPRING2']],
    ['spaces as they are', ' SPRING 1 \n', ['1:  SPRING 1 ']],
    [
      'codes of every kind',
      '7KQ2-9MXD-4TRB-8WNS\n(8112)017777777666666223456789\nA*1\n29001\n',
      ['1: 7KQ2-9MXD-4TRB-8WNS', '2: (8112)017777777666666223456789', '3: A*1', '4: 29001'],
    ],
  ])('is read with %s', async (_, text, codes) => {
    expect(await read(text)).toEqual(good(...codes));
  });

  test('is read the same wherever the network cuts it', async () => {
    const text = '\ufeffcode,note\r\n"SPRING""1","ü\r\n"\r\nSPRING2,\r\n';
    const bytes = Buffer.from(text);
    const whole = await read(text);
    expect(whole).toMatchObject({ codes: ['3: SPRING"1', '4: SPRING2'], count: 0 });
    for (let cut = 1; cut < bytes.length; cut += 1)
      expect(await read(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(whole);
  });

  test.each([
    ['no code', ',note', /no code/],
    ['a code that is too long', 'A'.repeat(97), /longer than 96/],
    ['a control character', 'SPRING\u0007', /printable ASCII/],
    ['a NUL', 'SPRING\u0000', /printable ASCII/],
    ['a letter of another alphabet', 'FRÜHLING', /printable ASCII/],
    ['hyphens alone', '----', /nothing is left/],
    ['a test code', 'TEST-APPROVED', /test code/],
    ['a link that names a product', 'https://id.gs1.org/01/09506000134352', /product/],
    ['an industry coupon without a serial', '8110106141416543213500110000310123196000', /8110.*serial/],
    ['a bundle', '8112209988459000', /several/],
    ['a broken industry coupon', '(8112)0123', /8112.*malformed/],
    ['an industry coupon that hyphens hide', '81-12017777777666666223456789', /another code/],
    ['the same code', 'GOOD-1', /like line 1/],
    ['the same code, written in another way', 'go0dl', /like line 1/],
  ])('is told the line of %s', async (_, line, why) => {
    const file = await read(`GOOD1\nGOOD2\n${line}\nGOOD3\n`);
    expect(file).toMatchObject({ codes: ['1: GOOD1', '2: GOOD2', '4: GOOD3'], count: 1 });
    expect(file).toMatchObject({ errors: [{ line: 3, why: expect.stringMatching(why) }] });
  });

  test.each([
    ['a quote within a field', 'GOOD1\nBA"D\nGOOD2\n', 2],
    ['letters behind a quote', 'GOOD1\n"BA"D\nGOOD2\n', 2],
    ['a quote that is not closed', 'GOOD1\nGOOD2\n"BAD\nGOOD3\n', 3],
    ['a record that does not end', `GOOD1\n"${'x,\n'.repeat(20_000)}`, 2],
  ])('is not read beyond %s', async (_, text, line) => {
    expect(await read(text)).toMatchObject({ errors: [{ line, why: expect.stringContaining('nothing after') }] });
  });

  test('tells a hundred bad lines and counts them all, and never repeats a code', async () => {
    const file = await read('TEST-APPROVED\n'.repeat(2_500));
    expect(file).toMatchObject({ count: 2_500, codes: [] });
    expect(typeof file !== 'string' && file.errors.map(({ line }) => line)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    expect(JSON.stringify(file)).not.toContain('TEST-');
  });

  test.each([
    ['UTF-16', 'utf16le', 'SPRING1'],
    ['Latin-1', 'latin1', 'FRÜHLING\n'],
  ] as const)('in %s has no good line', async (_, encoding, text) => {
    const file = await read(Buffer.from(text, encoding));
    expect(file).toMatchObject({ codes: [], errors: [{ line: 1, why: expect.stringMatching(/printable ASCII/) }] });
  });

  test('of nothing has no codes, and nothing is wrong with a line', async () => {
    for (const text of ['', '\ufeff', '\r\n\r\n', 'code\n']) expect(await read(text)).toEqual(good());
  });

  test('that breaks off is not read as what came of it', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('SPRING1\nSPRI');
      throw new Error('aborted');
    }
    expect(await readImportFile(broken())).toEqual({ ok: false, error: { why: 'broken_off' } });
  });

  test('that is larger than any good one is left at that size', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += 1024 * 1024;
        yield Buffer.alloc(1024 * 1024, '\n');
      }
    }
    expect(await readImportFile(endless())).toEqual({ ok: false, error: { why: 'too_large' } });
    expect(given).toBeLessThan(IMPORT_BYTES_MAX * 1.1);
  });

  test('of more lines than can be taken is left there, be they good or bad', async () => {
    const thousand = 'ü\n'.repeat(1_000);
    async function* lines(count: number): AsyncGenerator<Uint8Array> {
      for (let start = 0; start < count; start += 1_000) yield Buffer.from(thousand);
    }
    const most = await readImportFile(lines(IMPORT_LINES_MAX));
    expect(most.ok && most.value.errors.count).toBe(IMPORT_LINES_MAX);
    expect(await readImportFile(lines(IMPORT_LINES_MAX + 1_000))).toEqual({ ok: false, error: { why: 'too_large' } });
  });
});
