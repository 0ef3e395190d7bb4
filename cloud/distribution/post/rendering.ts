import { readOwn, formatCode } from '../../../protocol/code.ts';
import { timesIn } from '../../../protocol/pages/times.ts';
import { testCode } from '../../../protocol/test-codes.ts';
import { barcodePng } from './barcode-png.ts';
import type { Said } from './contents.ts';
import { type Html, html, joined } from './markup.ts';
import type { Barcode } from '../../ledger/port.ts';
import type { Mail } from './providers.ts';
import { fitTitle, plain } from './segment-rules.ts';
import type { Words } from './words/words.ts';
import { wordsOf } from './words.ts';

/** What a message says: mails in text and HTML, texts in one part where that is possible. */

/** One coupon as its message shows it. */
export type Shown = {
  readonly title: string;
  readonly condition: string | null;
  readonly endsAt: number;
  readonly timeZone: string;
  /** Dates of another year say which. */
  readonly now: number;
  readonly language: string;
  readonly link: string;
  readonly code: string;
  readonly barcode: Barcode;
};
type Proof = { readonly proof: string; readonly title: string; readonly language: string };
type MailText = Omit<Mail, 'id' | 'to'>;
/** A coupon that nobody has, for tests. */
export type Sample = Omit<Shown, 'link' | 'code'> & { readonly publicUrl: string };

/** How long a one-time code is good, as its message says it. */
const PROOF_MINUTES = 10;
/** Where a marketer's text has the personal link; at its end where it says nothing. */
const LINK = '{link}';

export function couponSms(shown: Shown, text: string | null, kind: 'coupon' | 'reminder'): string {
  const words = wordsOf(shown.language);
  const link = shown.link;
  if (text !== null) return plain(text.includes(LINK) ? text.replaceAll(LINK, link) : `${text} ${link}`);
  const until = dateOf(shown, words);
  const textWith = (title: string) =>
    plain(kind === 'coupon' ? words.couponSms({ title, link }) : words.reminderSms({ title, until, link }));
  return textWith(fitTitle(oneLine(shown.title), textWith));
}

export function couponMail(
  shown: Shown,
  own: { subject: string | null; text: string | null; kind: 'coupon' | 'reminder'; unsubscribe: string },
): MailText {
  const words = wordsOf(shown.language);
  const until = dateOf(shown, words);
  const subject = own.kind === 'coupon' ? shown.title : words.reminderSubject({ title: shown.title, until });
  const code = readable(shown.code);
  const lines = [own.text?.replaceAll(LINK, '').trim() ?? words.couponIsYours, words.until(until), words.onlyYours];
  return {
    subject: oneLine(own.subject ?? subject),
    text: `${shown.title}${shown.condition === null ? '' : ` (${shown.condition})`}

${lines.join('\n')}

${words.openIt}: ${shown.link}
${code}

${words.noMore}: ${own.unsubscribe}
`,
    html: page(words, shown.title, couponHtml(words, shown, lines, code, own.unsubscribe)),
    barcode: barcodePng(shown.code, shown.barcode),
    unsubscribe: own.unsubscribe,
  };
}

export function proofSms({ proof, title, language }: Proof): string {
  const { proofSms } = wordsOf(language);
  const textWith = (cut: string) => plain(proofSms({ proof, minutes: PROOF_MINUTES, title: cut }));
  return textWith(fitTitle(oneLine(title), textWith));
}

export function proofMail({ proof, title, language }: Proof): MailText {
  const words = wordsOf(language);
  const text = words.proofText({ proof, minutes: PROOF_MINUTES, title: oneLine(title) });
  const body = html`<p style="${NUMBER}">${proof}</p><p>${text}</p>`;
  const subject = oneLine(words.proofSubject(proof));
  return { subject, text: `${text}\n`, html: page(words, subject, body), barcode: null, unsubscribe: null };
}

export const saidSms = (language: string, said: Said): string => plain(wordsOf(language)[said]);

/** As a customer would get it, with a test code: nothing is given out. */
export const testSms = (sample: Sample, text: string | null): string => couponSms(shownOf(sample), text, 'coupon');

export function testMail(sample: Sample, { subject, text }: { subject: string | null; text: string | null }): MailText {
  const unsubscribe = `${sample.publicUrl}/u/test`;
  const mail = couponMail(shownOf(sample), { subject, text, kind: 'coupon', unsubscribe });
  return { ...mail, subject: `[test] ${mail.subject}`, unsubscribe: null };
}

/** As long as a real one, so that a text has as many parts. */
const shownOf = ({ publicUrl, ...sample }: Sample): Shown => ({
  ...sample,
  link: `${publicUrl}/c/${'-'.repeat(20)}-A`,
  code: testCode('approved'),
});

function couponHtml(words: Words, shown: Shown, lines: readonly string[], code: string, unsubscribe: string): Html {
  const condition = shown.condition === null ? '' : html`<p style="margin:4px 0 0">${shown.condition}</p>`;
  const paragraphs = joined(lines.map((line) => html`<p style="margin:0 0 8px">${line}</p>`.text));
  return html`<div style="${HEAD}"><h1 style="margin:0;font-size:34px;line-height:1.12">${shown.title}</h1>${condition}</div>
<div style="${STUB}"><img src="cid:barcode" width="${shown.barcode === 'code128' ? '320' : '220'}" alt="${code}" style="display:block;max-width:100%;margin:0 auto 8px"><p style="${CODE}">${code}</p></div>
${paragraphs}<p style="margin:0 0 16px">${words.showIt}</p>
<p style="margin:0 0 24px"><a href="${shown.link}" style="${BUTTON}">${words.openIt}</a></p>
<p style="margin:0;font-size:13px"><a href="${unsubscribe}" style="color:#43514b">${words.noMore}</a></p>`;
}

/** Mail programs know few styles, and those only where they are used. The colours are the pages'. */
const HEAD = 'background:#1d4d44;color:#ffffff;padding:24px;border-radius:14px 14px 0 0';
const STUB =
  'background:#ffffff;color:#12201b;padding:24px;margin:0 0 24px;text-align:center;border-top:3px dashed #cdd5d1;border-radius:0 0 14px 14px';
const CODE = 'margin:0;font-family:Consolas,Menlo,monospace;font-size:20px';
const NUMBER = 'margin:0 0 16px;font-family:Consolas,Menlo,monospace;font-size:34px;letter-spacing:4px';
const BUTTON =
  'display:inline-block;background:#12201b;color:#ffffff;padding:12px 20px;border-radius:8px;text-decoration:none';

const page = ({ language }: Words, title: string, body: Html): string =>
  html`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body style="margin:0;background:#eef1f0;color:#12201b;font-family:system-ui,'Segoe UI',Roboto,Arial,sans-serif;font-size:17px;line-height:1.5"><div style="max-width:480px;margin:0 auto;padding:16px">${body}</div></body></html>
`.text;

/** The last day on which it is good. */
const dateOf = ({ endsAt, timeZone, now }: Pick<Shown, 'endsAt' | 'timeZone' | 'now'>, { language }: Words): string =>
  timesIn(timeZone, now, language).date(endsAt - 1);

/** In groups of four where it is one of ours. */
function readable(code: string): string {
  const own = readOwn(code);
  return own === null || own === 'malformed' ? code : formatCode(own);
}

/** A title is one line, and no header's end. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
