import { follow, put } from './live.js';

const lane = document.querySelector('.lane');
const field = document.querySelector('#code');
const answer = document.querySelector('#answer');
const lost = document.querySelector('#lost');

/** Keystrokes closer than this are a scanner. */
const SCANNER_KEY_MS = 35;
/** Then a scanner that sends no Enter has ended. */
const SCANNER_END_MS = 100;
/** Fewer than these at once were a fast hand. */
const SCAN_CHARACTERS_MIN = 8;

let answers = Number(lane.dataset.answers);

follow(lane.dataset.events, show, () => {
  const since = document.querySelector('#head time').textContent;
  const banner = document.querySelector('#lost-banner').content.cloneNode(true);
  banner.querySelector('#since').textContent = since;
  put({ news: `The box does not answer since ${since}.` });
  document.querySelector('#banner').replaceChildren(banner);
});

function show(state) {
  Object.assign(answer, { className: state.answer.className, role: state.answer.role, ariaLive: state.answer.live });
  put(state.parts);
  field.placeholder = state.waiting ?? 'Ready';
  field.ariaBusy = state.waiting === null ? null : 'true';
  const list = document.querySelector('.basket__list');
  list.scrollTop = list.scrollHeight;
  // After a restart of the box the count begins anew: that is no answer.
  if (state.answers > answers) play(state.sound);
  answers = state.answers;
  // A button that was pressed is gone.
  if (document.activeElement === document.body) focusField();
}

/** What cannot be sent has no answer: that is said here, by the page itself. */
async function send(form) {
  const body = new URLSearchParams(new FormData(form));
  if (form.id === 'scan') form.reset();
  try {
    const { status } = await fetch(form.action, { method: 'POST', body, headers: { accept: 'application/json' } });
    if (status === 401) location.reload();
  } catch {
    answer.className = lost.dataset.class;
    answer.role = 'alert';
    answer.ariaLive = 'assertive';
    answer.replaceChildren(lost.content.cloneNode(true));
    play('unsure');
  }
}

document.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  const isEmpty = form.id === 'scan' && field.value.trim() === '';
  if (!isEmpty && (!form.dataset.asks || confirm(form.dataset.asks))) send(form);
  focusField();
});

// A total is taken when its field is left, by any key or click.
document.addEventListener('change', ({ target }) => {
  if (target.id === 'amount') target.form.requestSubmit();
});
document.addEventListener('focusin', ({ target }) => {
  if (target.id === 'amount') target.select();
});

// The wedge types into the code field: focus comes back after any click, but for a field or a text that is being copied.
document.addEventListener('click', ({ target }) => {
  if (!target.closest('input') && getSelection().isCollapsed) focusField();
});
addEventListener('focus', () => document.activeElement === document.body && focusField());

/** @type {{ text: string, at: number, field: HTMLInputElement | null, before: string, timer: number }} */
const burst = { text: '', at: -Infinity, field: null, before: '', timer: 0 };

document.addEventListener('keydown', (event) => {
  const { key } = event;
  const { activeElement } = document;
  unlock();
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if ((key === 'Enter' || key === 'Tab') && burst.text.length >= SCAN_CHARACTERS_MIN) {
    event.preventDefault();
    return scanned();
  }
  if (key.length === 1) {
    // Space presses a button.
    if (key === ' ' && activeElement.matches('button')) return;
    return typed(event, activeElement.matches('input') ? activeElement : field);
  }
  putBack();
  if (key === 'Enter' && activeElement.id === 'amount') {
    event.preventDefault();
    focusField();
  }
  if (['F2', 'F5', 'F9'].includes(key)) {
    event.preventDefault();
    document.querySelector(`form[data-key="${key}"]`)?.requestSubmit();
  }
});

/** One character. The second one that comes too fast for a hand takes the first one back: a scan is not echoed. */
function typed(event, into) {
  const isFast = event.timeStamp - burst.at < SCANNER_KEY_MS;
  burst.at = event.timeStamp;
  if (!isFast) {
    putBack();
    Object.assign(burst, { text: event.key, field: into, before: into.value });
    into.focus();
    return;
  }
  event.preventDefault();
  if (burst.text.length === 1) burst.field.value = burst.before;
  burst.text += event.key;
  clearTimeout(burst.timer);
  burst.timer = setTimeout(() => (burst.text.length >= SCAN_CHARACTERS_MIN ? scanned() : putBack()), SCANNER_END_MS);
}

function scanned() {
  clearTimeout(burst.timer);
  field.value = burst.text;
  burst.text = '';
  field.form.requestSubmit();
}

/** It was a fast hand after all. */
function putBack() {
  clearTimeout(burst.timer);
  if (burst.text.length > 1) burst.field.value += burst.text;
  burst.text = '';
}

function focusField() {
  field.focus({ preventScroll: true });
}

/** Told apart by their count, not by pitch alone: frequency in hertz, length in milliseconds, for each. */
const sounds = {
  good: [[1320, 90]],
  redeemed: [
    [1320, 90],
    [1760, 90],
  ],
  refused: [
    [330, 140],
    [330, 140],
  ],
  unsure: [
    [660, 80],
    [660, 80],
    [660, 80],
  ],
};
const PAUSE_MS = 60;

let audio = null;

/** Browsers are silent until a key or a click. */
function unlock() {
  audio ??= new AudioContext();
  if (audio.state === 'suspended') audio.resume();
}
document.addEventListener('pointerdown', unlock);

function play(sound) {
  if (audio?.state !== 'running' || sound === null) return;
  let at = audio.currentTime;
  for (const [hertz, ms] of sounds[sound]) {
    const tone = new OscillatorNode(audio, { frequency: hertz });
    const volume = new GainNode(audio, { gain: 0.25 });
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    // Cut off at once it would crack.
    volume.gain.setTargetAtTime(0, at + ms / 1000 - 0.01, 0.004);
    tone.stop(at + ms / 1000 + 0.02);
    at += (ms + PAUSE_MS) / 1000;
  }
}
