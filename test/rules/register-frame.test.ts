import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { REASONS, reasonSchema } from '../../protocol/decision.ts';
import type { Discount } from '../../protocol/offer.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { formatAnswer, parseAnswer, say, sayDecision } from '../../protocol/register-frame/answer.ts';
import { kindOf, REASON_ROWS } from '../../protocol/register-frame/answer-codes.ts';
import { type Deframing, deframe, type LineEvent, NOTHING_DEFRAMED } from '../../protocol/register-frame/deframer.ts';
import { joinFields, splitFields } from '../../protocol/register-frame/fields.ts';
import {
  encodeFrame,
  encodeProgress,
  LRC_DEFAULT,
  type LrcOptions,
  lrcOf,
  PAYLOAD_BYTES_MAX,
} from '../../protocol/register-frame/frame.ts';
import { formatRequest, parseRequest } from '../../protocol/register-frame/request.ts';

const lrcSchema = { base: z.enum(['00', '7F']), cover: z.enum(['payload', 'payload+etx', 'stx+payload+etx']) };
const vectors = z
  .object({
    frames: z.array(z.object({ what: z.string(), payload: z.string(), bytes: z.string(), ...lrcSchema })),
    progress: z.array(z.object({ what: z.string(), text: z.string(), bytes: z.string() })),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../protocol/register-frame/vectors.json'), 'utf8')));

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase();
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

/** Read in these pieces, each a moment after the one before. */
function read(pieces: readonly Uint8Array[], lrc: LrcOptions = LRC_DEFAULT, gapMs = 1): LineEvent[] {
  let [deframing, nowMs] = [NOTHING_DEFRAMED, 1_000];
  return pieces.flatMap((piece) => {
    nowMs += gapMs;
    const step = deframe(deframing, piece, nowMs, lrc);
    deframing = step.deframing;
    return step.events;
  });
}

const lrcs = fc.record({
  base: fc.constantFrom('00' as const, '7F' as const),
  cover: fc.constantFrom('payload' as const, 'payload+etx' as const, 'stx+payload+etx' as const),
});
const payloads = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((byte) => String.fromCharCode(byte)),
  maxLength: 60,
});

describe('[P9] a frame', () => {
  test.each(vectors.frames)('$what: $payload ($base, $cover) is frozen', ({ payload, base, cover, bytes }) => {
    expect(hex(encodeFrame(payload, { base, cover }))).toBe(bytes);
    expect(read([bytesOf(bytes)], { base, cover })).toEqual([{ kind: 'frame', payload }]);
  });

  test.each(vectors.progress)('$what is frozen', ({ text, bytes }) => {
    expect(hex(encodeProgress(text))).toBe(bytes);
    expect(read([bytesOf(bytes)])).toEqual([{ kind: 'progress', text: text.padEnd(20) }]);
  });

  test('has the check byte 31 where another make of terminal says 0200|123|', () => {
    expect(lrcOf('0200|123|', LRC_DEFAULT)).toBe(0x31);
  });

  test('is read wherever it is cut, whatever its check byte is', () => {
    fc.assert(
      fc.property(payloads, lrcs, (payload, lrc) => {
        const bytes = encodeFrame(payload, lrc);
        for (let cut = 0; cut <= bytes.length; cut += 1)
          expect(read([bytes.slice(0, cut), bytes.slice(cut)], lrc)).toEqual([{ kind: 'frame', payload }]);
        expect(
          read(
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
            lrc,
          ),
        ).toEqual([{ kind: 'frame', payload }]);
      }),
    );
  });

  test.each([0x02, 0x03, 0x06, 0x15])('with the check byte %i is one frame, and what follows it another', (wanted) => {
    const { payload } = vectors.frames.find(({ bytes }) => bytes.endsWith(hex(Uint8Array.of(0x03, wanted)))) ?? {
      payload: '',
    };
    const twice = [...encodeFrame(payload, LRC_DEFAULT), 0x06, ...encodeFrame(payload, LRC_DEFAULT), 0x15];
    const frame = { kind: 'frame', payload };
    expect(read([Uint8Array.from(twice)])).toEqual([frame, { kind: 'ack' }, frame, { kind: 'nak' }]);
  });

  test('that is longer than 512 bytes, unprintable or has another check byte is damaged, once', () => {
    const overlong = 'A'.repeat(PAYLOAD_BYTES_MAX + 1);
    const frameOf = (payload: string, check: number) => Uint8Array.of(2, ...Buffer.from(payload, 'latin1'), 3, check);
    expect(read([frameOf(overlong, lrcOf(overlong, LRC_DEFAULT))])).toEqual([{ kind: 'damaged', why: 'too_long' }]);
    expect(read([frameOf('A\u0000B', 0)])).toEqual([{ kind: 'damaged', why: 'unprintable' }]);
    expect(read([frameOf('AB', 0x7f)])).toEqual([{ kind: 'damaged', why: 'check_byte' }]);
    const longest = 'A'.repeat(PAYLOAD_BYTES_MAX);
    expect(read([encodeFrame(longest, LRC_DEFAULT)])).toEqual([{ kind: 'frame', payload: longest }]);
  });

  test('of which half is late is dropped without a word; just in time it is read', () => {
    const bytes = encodeFrame('P|1|3||24', LRC_DEFAULT);
    expect(read([bytes.slice(0, 5), bytes], LRC_DEFAULT, 251)).toEqual([{ kind: 'frame', payload: 'P|1|3||24' }]);
    expect(read([bytes.slice(0, 5), bytes.slice(5)], LRC_DEFAULT, 250)).toEqual([
      { kind: 'frame', payload: 'P|1|3||24' },
    ]);
    const late = read([bytes.slice(0, 5), bytes.slice(5)], LRC_DEFAULT, 251);
    expect(late.filter(({ kind }) => kind === 'frame' || kind === 'damaged')).toEqual([]);
  });

  test('that begins anew in the middle of another is read', () => {
    const bytes = encodeFrame('P|1|3||24', LRC_DEFAULT);
    expect(read([bytes.slice(0, 5), bytes])).toEqual([{ kind: 'frame', payload: 'P|1|3||24' }]);
  });

  test('is never read out of ten million bytes of noise, and is read after them; little is kept', () => {
    const good = encodeFrame('V|1|3|0042-3-20261123-0007|17|TEST-APPROVED|4200', LRC_DEFAULT);
    const seed = Date.now() & 0x7fffffff;
    let random = seed;
    let deframing: Deframing = NOTHING_DEFRAMED;
    let requests = 0;
    for (let block = 0; block < 100; block += 1) {
      const noise = Uint8Array.from({ length: 100_000 }, () => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        return random >>> 24;
      });
      const step = deframe(deframing, noise, block);
      deframing = step.deframing;
      // A few bytes may be a frame by chance; they are no request.
      requests += step.events.filter((event) => event.kind === 'frame' && parseRequest(event.payload).ok).length;
      expect(deframing.text.length, `seed ${seed}`).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    }
    expect(requests, `seed ${seed}`).toBe(0);
    const { events } = deframe(deframing, good, 1_000_000);
    expect(events).toHaveLength(1);
  });

  test('without an end is not kept', () => {
    const { deframing, events } = deframe(NOTHING_DEFRAMED, Uint8Array.from([2, ...Buffer.alloc(1_000_000, 'A')]), 1);
    expect(deframing.text.length).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    expect(events).toEqual([]);
  });

  test('with one byte changed is never read as another', () => {
    const payload = 'R|1|3|0042-3-20261123-0007|20|4200*7KQ2-9MXD-4TRB-8WNS';
    const bytes = encodeFrame(payload, LRC_DEFAULT);
    for (let at = 0; at < bytes.length; at += 1)
      for (let bit = 1; bit < 0x100; bit += 1) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bit;
        const frames = read([changed]).filter((event) => event.kind === 'frame' && parseRequest(event.payload).ok);
        expect(frames).toEqual([]);
      }
  });
});

describe('fields', () => {
  test('come back as they were, whatever bytes are in them, and fit a payload', () => {
    const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)) });
    fc.assert(
      fc.property(fc.array(latin1, { minLength: 1 }), (fields) => {
        const payload = joinFields(fields);
        expect(payload).toMatch(/^[ -~]*$/);
        expect(splitFields(payload)).toEqual({ ok: true, value: fields });
      }),
    );
  });

  test.each(['\\', 'A\\1', 'A\\G0', '\\1d'])('%s is no way to write a byte', (field) => {
    expect(splitFields(field).ok).toBe(false);
  });
});

describe('a request', () => {
  const texts = fc.stringMatching(/^[!-~]{1,16}$/);
  const address = { lane: texts, txn: texts, seq: fc.stringMatching(/^[0-9]{1,9}$/) };
  const code = fc.stringMatching(/^[!-~]{1,40}$/);
  const origSeq = fc.stringMatching(/^[0-9]{1,9}$/);
  const requests = fc.oneof(
    fc.record({ kind: fc.constant('validate' as const), ...address, code, amount: fc.option(fc.nat()) }),
    fc.record({ kind: fc.constant('redeem' as const), ...address, ref: code }),
    fc.record({ kind: fc.constant('status' as const), ...address, origSeq, code: fc.option(code) }),
    fc.record({
      kind: fc.constant('reverse' as const),
      ...address,
      origSeq,
      cause: fc.constantFrom('4000' as const, '4020' as const, '4021' as const),
      code: fc.option(code),
    }),
  );

  test('is read as it was written', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const payload = formatRequest(request);
        fc.pre(payload.length <= 240);
        expect(parseRequest(payload)).toEqual({ ok: true, value: request });
      }),
    );
  });

  test.each([
    ['another version', 'V|2|3|T|1|CODE|1'],
    ['an unknown letter', 'Q|1|3|T|1|CODE|1'],
    ['a field too few', 'V|1|3|T|1|CODE'],
    ['a field too many', 'V|1|3|T|1|CODE|1|'],
    ['no code', 'V|1|3|T|1||1'],
    ['an amount with a point', 'V|1|3|T|1|CODE|1.5'],
    ['a negative amount', 'V|1|3|T|1|CODE|-1'],
    ['a lane that is too long', `V|1|${'3'.repeat(17)}|T|1|CODE|1`],
    ['a basket that is too long', `V|1|3|${'T'.repeat(65)}|1|CODE|1`],
    ['a control character in the basket', 'V|1|3|T\\00|1|CODE|1'],
    ['a seq that is no number', 'V|1|3|T|one|CODE|1'],
    ['a seq of ten digits', 'V|1|3|T|1234567890|CODE|1'],
    ['a cause that is none', 'X|1|3|T|2|1|4022'],
    ['a ping with a basket', 'P|1|3|T|1'],
    ['more than 240 characters', `V|1|3|T|1|${'C'.repeat(240)}|1`],
  ])('with %s is not understood', (_what, payload) => {
    expect(parseRequest(payload).ok).toBe(false);
  });

  test('that is not understood names its sender as far as it can be read', () => {
    expect(parseRequest('Q|1|3|T|7|?')).toEqual({ ok: false, error: { lane: '3', txn: 'T', seq: '7' } });
    expect(parseRequest('Q|1|3|T|seven')).toEqual({ ok: false, error: { lane: '3', txn: 'T', seq: '' } });
    expect(parseRequest('nonsense')).toEqual({ ok: false, error: { lane: '', txn: '', seq: '' } });
  });
});

describe('[P12] an answer', () => {
  const money = (amount: number, currency = 'USD'): Discount => ({ type: 'amount', amount, currency });
  const decision = (changes: Partial<Decision>): Decision => ({
    decision: 'approved',
    mode: 'online',
    reason: null,
    text: 'OK $5.00 OFF',
    code: 'C',
    basket: 'T',
    offer: { campaign: 'spring', title: '$5 off', discount: money(500), promotionRef: 'PLU-7781' },
    reservation: null,
    redemption: null,
    facts: {},
    backlog: 0,
    ...changes,
  });
  const offered = (discount: Discount, text: string, promotionRef: string | null = 'PLU-7781') =>
    sayDecision(decision({ text, offer: { campaign: 'c', title: 't', discount, promotionRef } }), 'ref');

  test('has a code of its own for every reason, and none that cannot be verified is among the declined', () => {
    const rows = reasonSchema.options.map((reason) => ({ reason, ...REASON_ROWS[reason] }));
    expect(new Set(rows.map(({ cc }) => cc)).size).toBe(rows.length);
    for (const { reason, cc, text } of rows) {
      expect([reason, kindOf(cc)]).toEqual([
        reason,
        REASONS[reason].decision === 'refused' ? 'declined' : 'undetermined',
      ]);
      expect(text).toMatch(/^[ -~]{1,20}$/);
    }
  });

  test('keeps the whole text where the display has room, and has a short one else', () => {
    const refused = { decision: 'refused', mode: null, offer: null, reason: 'already_redeemed' } as const;
    expect(sayDecision(decision({ ...refused, text: 'Used 3 Nov 9:50' }), '').text).toBe('Used 3 Nov 9:50');
    expect(sayDecision(decision({ ...refused, text: 'Used 3 Nov 9:50, Main Street, lane 2' }), '').text).toBe(
      'ALREADY USED',
    );
    expect(sayDecision(decision({ ...refused, text: 'Used at Café' }), '')).toEqual(say('10', 'ALREADY USED'));
  });

  test.each([
    [money(500), 'OK $5.00 OFF', '500', 'OK $5.00 OFF'],
    [money(500, 'EUR'), 'OK €5.00 OFF', '500', 'OK 5.00 EUR OFF'],
    [money(500, 'JPY'), 'OK ¥500 OFF', '500', 'OK 500 JPY OFF'],
    [{ type: 'percent', percent: 10, maxAmount: 900, currency: 'USD' } as const, 'OK 10% OFF', '10%', 'OK 10% OFF'],
    [
      { type: 'item', title: 'Café crème', maxAmount: 900, currency: 'EUR' } as const,
      'OK FREE CAFÉ CRÈME',
      '#PLU-7781',
      'OK FREE CAFE CREME',
    ],
    [
      { type: 'item', title: 'x', maxAmount: 900, currency: 'EUR' } as const,
      'OK FREE ICE CREAM WITH SPRINKLES',
      '#PLU-7781',
      'OK FREE ICE CREAM',
    ],
  ])('shows %o in twenty characters', (discount, text, value, shown) => {
    expect(offered(discount, text)).toEqual({ cc: '00', mode: 'O', ref: 'ref', value, text: shown });
  });

  test.each([
    ['online', 'O'],
    ['reserved', 'R'],
    ['stand_in', 'S'],
  ] as const)('says the mode %s as %s', (mode, letter) => {
    expect(sayDecision(decision({ mode }), 'ref').mode).toBe(letter);
  });

  test('is read as it was written, and fits a frame after the longest request', () => {
    const item = { type: 'item', title: 'x', maxAmount: 1, currency: 'USD' } as const;
    const said = { ...offered(item, 'OK FREE ||||||||||||', '|'.repeat(64)), ref: '' };
    const overhead = formatAnswer({ lane: '', txn: '', seq: '', ...said }).length;
    // All that a request of 250 characters can hold comes back in its answer at most once.
    expect(overhead + 250).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    const answer = { lane: '3', txn: 'T|1', seq: '7', ...said };
    expect(parseAnswer(formatAnswer(answer))).toEqual(answer);
    expect(parseAnswer('A|1|3|T|7|00')).toBeNull();
  });
});
