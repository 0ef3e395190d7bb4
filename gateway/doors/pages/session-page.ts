import { html } from 'hono/html';
import { type AssetPath, document, type Html, type Look } from './document.ts';
import { icon } from './icons.ts';
import { wordsByLanguage } from './locale.ts';
import type { Words } from './words/words.ts';

export type Wanted = 'register' | 'box';
export type SessionForm = { readonly wanted: Wanted; readonly next: string; readonly error: string | null };

/** Asked once for each device. */
export function sessionPage(form: SessionForm, asset: AssetPath, look: Look): Html {
  const { session } = wordsByLanguage[look.language];
  const body = html`<main class="door">
<span class="mark" role="img" aria-label="Tearline">Tear<i></i>line</span>
<h1>${session.title}</h1>
${sessionForm(form, session)}
</main>`;
  return document({ title: session.title, body, script: null }, asset, look);
}

export function tokenWord(wanted: Wanted, session: Words['session']): string {
  return wanted === 'box' ? session.boxToken : session.registerToken;
}

export function sessionForm({ wanted, next, error }: SessionForm, session: Words['session']): Html {
  const hint = html`<span class="field__hint" id="hint">${session.hint}
<span class="mono">scripts/tearline gateway token create --scope ${wanted} --name NAME</span></span>`;
  const message =
    error === null ? hint : html`<span class="field__error" id="hint" role="alert">${icon('refused')}${error}</span>`;
  return html`<form class="stack" method="post" action="/lane/session">
<input type="hidden" name="next" value="${next}">
<div class="field"><label for="token">${tokenWord(wanted, session)}</label>
<input class="input mono" id="token" name="token" type="password" required maxlength="200" autocomplete="off"
 aria-describedby="hint"${error === null ? '' : html` aria-invalid="true"`}>
${message}</div>
<button class="button button--main">${session.open}</button>
</form>`;
}
