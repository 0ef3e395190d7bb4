import { html } from 'hono/html';
import type { AssetPath, Html } from './document.ts';
import { icon } from './icons.ts';
import { actionOf, button } from './lane-basket.ts';
import type { LaneState } from './lane-state.ts';
import type { Words } from './words/words.ts';

/** What the lane page shows beside the sale: what a supervisor may choose, and the settings of this device. */

/** Asks for a PIN; then what a supervisor may choose. @param error why the PIN that was sent opened nothing */
export function supervisor({ lane, locale }: LaneState, error: string | null): Html {
  const { words } = locale;
  const back = backToSale(lane.lane, words);
  const form = { action: 'supervisor', id: 'pin', button: words.supervisor.open };
  if (lane.supervisor === null)
    return html`${pinForm(lane.lane, form, words, error)}${back}<p class="small hush">${words.supervisor.logged}</p>`;
  const without = { action: 'choice', label: words.supervisor.without, value: 'finish_without', isMain: true };
  const again = { action: 'choice', label: words.basket.again, value: 'try_again' };
  return html`<p class="basket__say">${lane.supervisor}</p>${button(lane.lane, without)}<div class="basket__pair">${button(lane.lane, again)}${back}</div><button class="button button--wide" disabled aria-describedby="honour">${words.supervisor.honour}</button><p class="small" id="honour">${words.supervisor.honourNot}</p>`;
}

function backToSale(lane: string, { supervisor }: Words): Html {
  return html`<a class="button button--wide" href="/lane/${encodeURIComponent(lane)}" data-show="sale">${supervisor.back}</a>`;
}

/** The part of the settings that begins and ends a training. */
export function training({ lane, isBox, locale }: LaneState, error: string | null): Html {
  const { words } = locale;
  if (lane.training !== null) return button(lane.lane, { action: 'training/end', label: words.training.end });
  const note = html`<p class="small hush">${words.training.note}</p>`;
  if (isBox) return html`${note}${button(lane.lane, { action: 'training', label: words.training.begin })}`;
  const form = { action: 'training', id: 'training-pin', button: words.training.begin };
  return html`${note}${pinForm(lane.lane, form, words, error)}`;
}

/** What the barcode on this panel says. Each of its characters has another place on some keyboard. */
export const SCANNER_TEST = 'AZQWYM-2468';

/** Sound and scanner are of this device, and need the page's script. */
export function settings({ lane, locale }: LaneState, inside: Html, asset: AssetPath): Html {
  const { settings: words, training: its } = locale.words;
  const sounds = Object.entries(words.sounds).map(
    ([name, label]) => html`<button class="button" type="button" data-sound="${name}">${label}</button>`,
  );
  return html`<section class="panel basket settings" aria-label="${locale.words.page.settings}">
<div class="stack" data-script hidden><h2>${words.sound}</h2><div class="field"><label for="volume">${words.volume}</label><input type="range" id="volume" min="0" max="100" step="10" aria-describedby="volume-note"></div><p class="small hush" id="volume-note">${words.soundNote}</p><div class="settings__sounds">${sounds}</div></div>
<div class="stack" data-script hidden><h2>${words.scanner}</h2><p>${words.scannerNote}</p><img class="settings__barcode" src="${asset('scanner-test.svg')}" width="330" height="104" alt="${words.barcode}"><p role="status" id="scanner-said" data-text="${SCANNER_TEST}" data-good="${words.scannerGood}" data-caps="${words.scannerCaps}" data-other="${words.scannerOther}"></p></div>
<div class="stack"><h2>${its.title}</h2><div class="stack" id="training">${inside}</div>${backToSale(lane.lane, locale.words)}</div>
</section>`;
}

type PinForm = { readonly action: string; readonly id: string; readonly button: string };

function pinForm(lane: string, form: PinForm, words: Words, error: string | null): Html {
  return html`<form class="stack" method="post" action="${actionOf(lane, form.action)}"><div class="field"><label for="${form.id}">${words.supervisor.pin}</label><input class="input" id="${form.id}" name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="12" required aria-describedby="${form.id}-said"><span class="field__error" id="${form.id}-said" role="alert"${error === null ? html` hidden` : ''}>${icon('refused')}<span data-error>${error ?? ''}</span></span></div><button class="button button--main button--wide">${form.button}</button></form>`;
}
