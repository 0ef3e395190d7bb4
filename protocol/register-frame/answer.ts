import { z } from 'zod';
import type { Discount } from '../offer.ts';
import type { Decision } from '../redemption-api.ts';
import { APPROVED, REASON_ROWS } from './answer-codes.ts';
import { joinFields, splitFields } from './fields.ts';
import { DISPLAY_CHARACTERS, isPrintable } from './frame.ts';
import type { Addressee } from './request.ts';

/** What the gateway answers: `A|1|lane|txn|seq|cc|mode|ref|value|text`. */
export type RegisterAnswer = Addressee & {
  /** Two digits, see answer-codes.ts. */
  readonly cc: string;
  /** O the cloud decided, R it was reserved in the store, S stand-in; empty where nothing is approved. */
  readonly mode: Mode;
  /** Given back as it is to redeem; empty where nothing is approved. */
  readonly ref: string;
  /** What it is worth: `500` minor units, `10%`, `#PLU-7781` an item by its promotion. Empty where nothing is approved. */
  readonly value: string;
  /** For the display: printable ASCII, at most 20 characters. */
  readonly text: string;
};
type Mode = 'O' | 'R' | 'S' | '';

/** The answer without whom it is for. */
export type Said = Omit<RegisterAnswer, keyof Addressee>;

export const say = (cc: string, text: string): Said => ({ cc, mode: '', ref: '', value: '', text });

/** @param ref names the code and the total when this basket redeems */
export function sayDecision(decision: Decision, ref: string): Said {
  const { reason, mode, offer } = decision;
  if (reason !== null) {
    const row = REASON_ROWS[reason];
    return say(row.cc, fitsDisplay(decision.text) ? decision.text : row.text);
  }
  if (mode === null || offer === null) throw new Error('an approval without its mode or its offer');
  const { discount, promotionRef } = offer;
  const value = worthOf(discount, promotionRef);
  return { cc: APPROVED, mode: MODES[mode], ref, value, text: approvedLine(decision.text, discount) };
}

export function formatAnswer({ lane, txn, seq, cc, mode, ref, value, text }: RegisterAnswer): string {
  return joinFields(['A', '1', lane, txn, seq, cc, mode, ref, value, text]);
}

const answerFields = z.tuple([
  z.literal('A'),
  z.literal('1'),
  z.string(),
  z.string(),
  z.string(),
  z.string().regex(/^[0-9]{2}$/),
  z.enum(['O', 'R', 'S', '']),
  z.string(),
  z.string(),
  z.string().max(DISPLAY_CHARACTERS),
]);

/** Null: this is no answer. */
export function parseAnswer(payload: string): RegisterAnswer | null {
  const fields = splitFields(payload);
  const read = answerFields.safeParse(fields.ok ? fields.value : null);
  if (!read.success) return null;
  const [, , lane, txn, seq, cc, mode, ref, value, text] = read.data;
  return { lane, txn, seq, cc, mode, ref, value, text };
}

const MODES = { online: 'O', reserved: 'R', stand_in: 'S' } as const;

function worthOf(discount: Discount, promotionRef: string | null): string {
  switch (discount.type) {
    case 'amount':
      return String(discount.amount);
    case 'percent':
      return `${discount.percent}%`;
    case 'item':
      return promotionRef === null ? '' : `#${latin1(promotionRef)}`;
  }
}

/** Whole where it fits; else without what a display has no glyph for, and cut. */
function approvedLine(text: string, discount: Discount): string {
  if (fitsDisplay(text)) return text;
  switch (discount.type) {
    case 'amount':
      // The currency's sign is not ASCII, or the amount is very long: `value` has the number.
      return fitting(`OK ${text.replace(/[^0-9.,]/g, '')} ${discount.currency} OFF`);
    case 'percent':
      return `OK ${discount.percent}% OFF`;
    case 'item':
      return fitting(ascii(text));
  }
}

/** At most a line, cut between words where there is a place for it. */
function fitting(text: string): string {
  if (text.length <= DISPLAY_CHARACTERS) return text;
  const cut = text.slice(0, DISPLAY_CHARACTERS);
  const lastSpace = cut.lastIndexOf(' ');
  return (lastSpace > DISPLAY_CHARACTERS / 2 ? cut.slice(0, lastSpace) : cut).trimEnd();
}

const fitsDisplay = (text: string): boolean => text.length <= DISPLAY_CHARACTERS && isPrintable(text);

/** Letters without their accents; what is then still not ASCII is left out. */
function ascii(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^ -~]/g, '')
    .replace(/ +/g, ' ')
    .trim();
}

const latin1 = (text: string): string => text.replace(/[^\0-\xff]/g, '?');
