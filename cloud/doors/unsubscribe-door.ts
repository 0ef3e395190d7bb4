import { html } from 'hono/html';
import { z } from 'zod';
import type { PostOffice } from '../distribution/post/post-office.ts';
import type { UnsubscribeWords } from '../distribution/post/words/words.ts';
import { wordsOf } from '../distribution/post/words.ts';
import { type Call, type Endpoint, withoutBody } from './http.ts';

/** Where a mail's link ends its kind: a page that asks once, and a post that does it, also of a mail program by itself. */
export function unsubscribeDoor({ consents }: Pick<PostOffice, 'consents'>): Endpoint[] {
  return [
    withoutBody(routes.page, async (call) => {
      const words = wordsFor(call);
      return consents.isLink(call.param('token'))
        ? page(
            words,
            200,
            html`<form method="post"><p>${words.unsubscribe.question}</p><button>${words.unsubscribe.button}</button></form>`,
          )
        : page(words, 404, html`<p>${words.unsubscribe.noLink}</p>`);
    }),
    withoutBody(routes.end, async (call) => {
      const words = wordsFor(call);
      const { done, coupons, noLink } = words.unsubscribe;
      const ended = await consents.unsubscribe(call.param('token'));
      return ended.ok
        ? page(words, 200, html`<p><strong>${done}</strong></p><p>${coupons}</p>`)
        : page(words, 404, html`<p>${noLink}</p>`);
    }),
  ];
}

type Words = { readonly language: string; readonly unsubscribe: UnsubscribeWords };

/** The first language that the browser asks for. */
const wordsFor = ({ header }: Pick<Call<unknown>, 'header'>): Words =>
  wordsOf(/^\s*([a-zA-Z]{2})/.exec(header('accept-language') ?? '')?.[1] ?? 'en');

/** It works in any browser, with nothing loaded. The colours are the other pages'. */
const STYLE = `:root{color-scheme:light dark;--page:#eef1f0;--surface:#fff;--ink:#12201b}
@media(prefers-color-scheme:dark){:root{--page:#0e1412;--surface:#18211d;--ink:#edf3f0}}
body{margin:0;background:var(--page);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:28rem;margin:3rem auto;padding:1.5rem;background:var(--surface);border-radius:14px}
h1{margin:0 0 1rem;font-size:1.625rem;line-height:1.12}
button{min-height:44px;padding:0 1.25rem;border:0;border-radius:8px;background:var(--ink);color:var(--surface);font:inherit;font-weight:560}`;

/** The form posts to where it came from, and nowhere else. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

function page({ language, unsubscribe }: Words, status: number, body: ReturnType<typeof html>): Response {
  const document = html`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${unsubscribe.title}</title><style>${STYLE}</style></head>
<body><main><h1>${unsubscribe.title}</h1>${body}</main></body></html>
`;
  return new Response(String(document), {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY },
  });
}

const person = {
  scope: null,
  tag: 'Messages',
  path: '/u/{token}',
  response: z.string(),
  responseType: 'text/html',
} as const;

const routes = {
  page: { ...person, method: 'GET', summary: 'Asks whether to end messages to the address of this link.' },
  end: {
    ...person,
    method: 'POST',
    summary: 'Ends messages to the address of this link. A mail program may ask for it by itself (RFC 8058).',
  },
} as const;
