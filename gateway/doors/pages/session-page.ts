import { html } from 'hono/html';
import { type AssetPath, document, type Html } from './document.ts';
import { icon } from './icons.ts';

export type Wanted = 'register' | 'box';
export type SessionForm = { readonly wanted: Wanted; readonly next: string; readonly error: string | null };

/** Asked once for each device. */
export function sessionPage(form: SessionForm, asset: AssetPath): Html {
  const body = html`<main class="door">
<span class="mark" role="img" aria-label="Tearline">Tear<i></i>line</span>
<h1>Open this page</h1>
${sessionForm(form)}
</main>`;
  return document({ title: 'Open this page', body, script: null }, asset);
}

export function sessionForm({ wanted, next, error }: SessionForm): Html {
  const name = wanted === 'box' ? 'Box token' : 'Register token';
  const hint = html`<span class="field__hint" id="hint">Asked once on each device. Store IT makes one with
<span class="mono">scripts/tearline gateway token create --scope ${wanted} --name NAME</span></span>`;
  const message =
    error === null ? hint : html`<span class="field__error" id="hint" role="alert">${icon('refused')}${error}</span>`;
  return html`<form class="stack" method="post" action="/lane/session">
<input type="hidden" name="next" value="${next}">
<div class="field"><label for="token">${name}</label>
<input class="input mono" id="token" name="token" type="password" required maxlength="200" autocomplete="off"
 aria-describedby="hint"${error === null ? '' : html` aria-invalid="true"`}>
${message}</div>
<button class="button button--main">Open</button>
</form>`;
}
