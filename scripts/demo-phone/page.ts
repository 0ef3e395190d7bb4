import { type Html, html, joined } from '../../cloud/distribution/post/markup.ts';
import type { Inbox, MailSeen, Text } from './inbox.ts';

/** The page of the demo's phone. */

/** Where somebody who tries it is thought to live. */
const PHONE = '+1 202 555 0142';

export function page(inbox: Inbox, number: string): string {
  const { texts, mails } = parts(inbox);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>The demo’s phone</title>
<link rel="icon" href="/assets/icon.svg"><link rel="stylesheet" href="/assets/tokens.css"><link rel="stylesheet" href="/assets/components.css"><link rel="stylesheet" href="/assets/phone.css"><script type="module" src="/assets/phone.js"></script></head>
<body><header class="top"><span class="mark" role="img" aria-label="Tearline">Tear<i></i>line</span><h1>The demo’s phone</h1></header>
<main class="desk">
<section class="panel phone" aria-labelledby="texts-title"><div class="panel__head"><h2 id="texts-title">Texts</h2></div>
<form class="send" method="post" action="/texts"><p class="field"><label for="phone">Your number</label><input class="input" id="phone" name="phone" type="tel" value="${PHONE}" required></p><p class="field"><label for="text">Text to ${number}</label><input class="input" id="text" name="text" value="SPRING" autocomplete="off" maxlength="160" required></p><button class="button button--main">Send text</button></form>
<ol id="texts" class="texts" aria-live="polite" aria-label="Texts, newest first">${joined([texts])}</ol></section>
<section class="panel mailbox" aria-labelledby="mails-title"><div class="panel__head"><h2 id="mails-title">Mailbox</h2></div>
<div id="mails">${joined([mails])}</div></section>
</main></body></html>
`.text;
}

/** The insides of the page's elements, by id: made anew each second. */
export function parts({ texts, mails }: Inbox): { readonly texts: string; readonly mails: string } {
  const none = (what: string) => html`<li class="hush">${what}</li>`;
  return {
    texts: (texts.length === 0
      ? none('Texts to any number arrive here.')
      : joined(texts.map((one) => textItem(one).text))
    ).text,
    mails: (mails.length === 0
      ? html`<p class="hush">Mails to any address arrive here.</p>`
      : joined(mails.map((one) => mailItem(one).text))
    ).text,
  };
}

/** Shown in a frame that runs no script. Links open beside it. */
export const mailFrame = ({ html: shown, text }: MailSeen): string =>
  shown === ''
    ? html`<!doctype html><meta charset="utf-8"><pre>${text}</pre>`.text
    : shown.replace('<head>', '<head><base target="_blank">');

function textItem({ direction, phone, text, at }: Text): Html {
  const who = direction === 'in' ? `To ${phone}` : `From ${phone}`;
  return html`<li class="bubble bubble--${direction}"><span class="small hush">${who}, ${clock(at)}</span><span>${linked(text)}</span></li>`;
}

function mailItem({ id, to, subject, from, at }: MailSeen): Html {
  return html`<details class="mail" data-mail="${String(id)}"><summary><strong>${subject}</strong><span class="small hush">${to}, ${clock(at)}</span></summary><p class="small hush">From ${from}</p><iframe title="Mail: ${subject}" sandbox="allow-popups allow-popups-to-escape-sandbox" loading="lazy" src="/mails/${String(id)}"></iframe></details>`;
}

/** Addresses in it can be followed. */
const linked = (text: string): Html =>
  joined(
    text
      .split(/(https?:\/\/\S+)/)
      .map(
        (part, i) =>
          (i % 2 === 0 ? html`${part}` : html`<a href="${part}" target="_blank" rel="noreferrer">${part}</a>`).text,
      ),
  );

const clock = (at: number): string => new Date(at).toTimeString().slice(0, 8);
