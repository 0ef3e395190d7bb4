import { follow, put } from './live.js';
import { play, setVolume, unlock, volume } from './sounds.js';
import { hearKeys } from './wedge.js';

const lane = document.querySelector('.lane');
const main = document.querySelector('#main');
const field = document.querySelector('#code');
const answer = document.querySelector('#answer');
const lost = document.querySelector('#lost');
const said = document.querySelector('#scanner-said');

let answers = Number(lane.dataset.answers);

follow(lane.dataset.events, update, () => {
  const since = document.querySelector('#head time').textContent;
  const banner = document.querySelector('#lost-banner').content.cloneNode(true);
  banner.querySelector('#since').textContent = since;
  put({ news: banner.querySelector('strong').textContent });
  document.querySelector('#banner').replaceChildren(banner);
});

function update(state) {
  // After a restart of the box the count begins anew: that is no answer.
  const isNew = state.answers > answers;
  answers = state.answers;
  if (isNew) show('sale');
  Object.assign(answer, { className: state.answer.className, role: state.answer.role, ariaLive: state.answer.live });
  lane.classList.toggle('lane--training', state.isTraining);
  put(state.parts);
  field.placeholder = state.waiting ?? field.dataset.ready;
  field.ariaBusy = state.waiting === null ? null : 'true';
  const list = document.querySelector('#basket [aria-label]');
  if (list?.matches('ul')) list.scrollTop = list.querySelector('form') ? 0 : list.scrollHeight;
  if (isNew) play(state.sound);
  // A button that was pressed is gone.
  if (document.activeElement === document.body) focusField();
}

/** The sale, the settings or a supervisor's choices beside or in the place of the answer. */
function show(what) {
  main.dataset.shown = what;
  const pin = main.querySelector('#pin');
  if (what === 'supervisor' && pin !== null) pin.focus();
  else focusField();
}

/** What cannot be sent has no answer: that is said here, by the page itself. */
async function send(form, more = {}) {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  const pin = form.querySelector('[name="pin"]');
  if (form === field.form || pin !== null) form.reset();
  try {
    const response = await fetch(form.action, { method: 'POST', body, headers: { accept: 'application/json' } });
    if (response.status === 401) location.reload();
    if (response.status === 403 && pin !== null) refusePin(form, (await response.json()).detail);
    if (response.status === 422 && form.id === '') refuseAmount(form);
  } catch {
    show('sale');
    answer.className = lost.dataset.class;
    answer.role = 'alert';
    answer.ariaLive = 'assertive';
    answer.replaceChildren(lost.content.cloneNode(true));
    play('unsure');
  }
}

function refusePin(form, why) {
  const error = form.querySelector('[data-error]');
  error.textContent = why;
  error.parentElement.hidden = false;
  form.querySelector('input').focus();
}

function refuseAmount(form) {
  const amount = form.querySelector('#amount');
  if (amount === null) return;
  amount.setCustomValidity(amount.title);
  amount.reportValidity();
}

document.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  const isEmpty = form === field.form && field.value.trim() === '';
  if (!isEmpty && (!form.dataset.asks || confirm(form.dataset.asks))) send(form, submitted(event.submitter));
  focusField();
});

/** The button's own value travels with its form. */
const submitted = (button) => (button?.name ? { [button.name]: button.value } : {});

// A total is taken when its field is left, by any key or click.
document.addEventListener('change', ({ target }) => {
  if (target.id === 'amount') target.form.requestSubmit();
});
document.addEventListener('input', ({ target }) => {
  if (target.id === 'amount') target.setCustomValidity('');
  if (target.id === 'volume') setVolume(target.value);
});
document.addEventListener('focusin', ({ target }) => {
  if (target.id === 'amount') target.select();
});

// The wedge types into the code field: focus comes back after any click, but for a field or a text that is being copied.
document.addEventListener('click', (event) => {
  const { target } = event;
  const link = target.closest('[data-show]');
  if (link !== null) {
    event.preventDefault();
    return show(link.dataset.show);
  }
  const sound = target.closest('[data-sound]');
  if (sound !== null) play(sound.dataset.sound);
  if (!target.closest('input') && getSelection().isCollapsed) focusField();
});
addEventListener('focus', () => document.activeElement === document.body && focusField());
for (const type of ['pointerdown', 'keydown']) document.addEventListener(type, unlock);

hearKeys(field, scanned, (event) => {
  const { key } = event;
  if (key === 'Enter' && document.activeElement.id === 'amount') {
    event.preventDefault();
    focusField();
  }
  if (key === 'Escape') show('sale');
  if (['F2', 'F5', 'F9'].includes(key)) {
    event.preventDefault();
    document.querySelector(`form[data-key="${key}"]`)?.requestSubmit();
  }
});

/** Set to another keyboard than US keys, and tried: its scans are believed though the places of its keys differ. */
const OTHER_KEYS = 'tearline-other-keys';

function scanned(text, places) {
  // The settings have a barcode that is no coupon: all that is as long is taken for it.
  if (main.dataset.shown === 'settings' && text.length === said.dataset.text.length) return tryScanner(text, places);
  field.value = text;
  send(field.form, { places, tried: localStorage.getItem(OTHER_KEYS) ?? '' });
}

/** Does what the scanner typed say what the barcode says? */
function tryScanner(text, places) {
  const { text: wanted, good, caps, other } = said.dataset;
  const isGood = text === wanted;
  if (isGood && places !== wanted) localStorage.setItem(OTHER_KEYS, '1');
  else localStorage.removeItem(OTHER_KEYS);
  const isCaps = text.toUpperCase() === wanted;
  said.textContent = isGood ? good : isCaps ? caps : other;
  play(isGood ? 'good' : 'refused');
}

function focusField() {
  field.focus({ preventScroll: true });
}

for (const part of document.querySelectorAll('[data-script]')) part.hidden = false;
document.querySelector('#volume').value = volume();
show(main.dataset.shown);
