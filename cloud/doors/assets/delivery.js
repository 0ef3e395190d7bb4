/** The page of a delivery: asks for the token once, and then for the figures, again and again. */

const ASK_MS = 1_000;
/** Stopped or done: only reports of the provider change it. */
const ASK_REST_MS = 5_000;
const RETRY_MS_MAX = 15_000;
const KEY = 'admin token';

const by = (id) => document.getElementById(id);
const { delivery } = by('delivery').dataset;
const hint = by('hint').innerHTML;
let timer = 0;
let retryMs = ASK_MS;

const call = (path, method = 'GET') =>
  fetch(path, { method, headers: { authorization: `Bearer ${sessionStorage.getItem(KEY)}` } });

async function ask() {
  clearTimeout(timer);
  try {
    const response = await call(`/deliveries/${encodeURIComponent(delivery)}/parts`);
    if (response.status === 401) return close('This token is not valid.');
    if (response.status === 403) return close('This token may not see deliveries: an admin token may.');
    if (response.status === 404) return close('There is no such delivery.');
    if (response.status === 429) return close('Too many wrong tokens. Wait a few minutes.');
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    const state = await response.json();
    show(state);
    retryMs = ASK_MS;
    again(state.isOver ? ASK_REST_MS : ASK_MS);
  } catch {
    by('clock').textContent = by('clock').textContent.replace('Live,', 'Not live since');
    again(retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}

/** Nobody looks at a hidden page. */
function again(ms) {
  clearTimeout(timer);
  if (!document.hidden && sessionStorage.getItem(KEY)) timer = setTimeout(ask, ms);
}

function show({ parts, news, clock }) {
  for (const [id, inside] of Object.entries(parts)) put(by(id), inside);
  by('clock').textContent = `Live, ${clock}`;
  if (by('news').textContent !== news) by('news').textContent = news;
  if (!by('view').hidden) return;
  by('door').hidden = true;
  by('view').hidden = false;
  by('leave').hidden = false;
  document.title = `${by('head').querySelector('h1').textContent} · delivery`;
}

/** What has not changed is left alone; a button that has the focus keeps it. */
function put(element, inside) {
  const next = element.cloneNode(false);
  next.innerHTML = inside;
  if (next.innerHTML === element.innerHTML) return;
  const scrolled = element.querySelector('.table-wrap')?.scrollLeft ?? 0;
  const focused = [...element.querySelectorAll('button, [tabindex]')].indexOf(document.activeElement);
  element.replaceChildren(...next.childNodes);
  if (focused !== -1) element.querySelectorAll('button, [tabindex]')[focused]?.focus();
  const wrap = element.querySelector('.table-wrap');
  if (wrap !== null) wrap.scrollLeft = scrolled;
}

/** @param {string} why empty: by the person's own wish */
function close(why) {
  clearTimeout(timer);
  sessionStorage.removeItem(KEY);
  for (const id of ['view', 'leave']) by(id).hidden = true;
  by('door').hidden = false;
  by('clock').textContent = '';
  by('news').textContent = '';
  const field = by('token');
  field.toggleAttribute('aria-invalid', why !== '');
  if (why !== '') field.setAttribute('aria-invalid', 'true');
  by('hint').className = why === '' ? 'field__hint' : 'field__error';
  if (why === '') by('hint').innerHTML = hint;
  else by('hint').textContent = why;
  field.focus();
}

/** @returns {Promise<boolean>} */
function agreed(question) {
  if (question === undefined) return Promise.resolve(true);
  by('question').textContent = question;
  const dialog = by('ask');
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((done) =>
    dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }),
  );
}

by('actions').addEventListener('click', async ({ target }) => {
  const button = target.closest('[data-post]');
  if (button === null || !(await agreed(button.dataset.ask))) return;
  button.disabled = true;
  try {
    const response = await call(button.dataset.post, 'POST');
    if (!response.ok) throw new Error(`it answers ${response.status}`);
  } catch {
    by('news').textContent = 'That was not done: the cloud did not answer. Try again.';
    button.disabled = false;
    return;
  }
  await ask();
});
by('door')
  .querySelector('form')
  .addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, by('token').value.trim());
    by('token').value = '';
    void ask();
  });
by('leave').addEventListener('click', () => close(''));
document.addEventListener('visibilitychange', () => again(0));
if (sessionStorage.getItem(KEY)) void ask();
