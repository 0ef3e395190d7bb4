/** The live face: what changes is put in place as it happens, and the screen stays awake while there is a code to scan. */

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;
/** A line that blinks is not told. */
const LOST_MS = 10_000;

const live = document.getElementById('live');
let isAwake = live.dataset.awake !== undefined;
let retryMs = RETRY_MS_MIN;
let lost = 0;

/** @param {string} query `?view`: the first time that this page is shown */
function follow(query) {
  const stream = new EventSource(`${location.pathname}/events${query}`);
  stream.onmessage = ({ data }) => {
    retryMs = RETRY_MS_MIN;
    clearTimeout(lost);
    lost = 0;
    live.textContent = live.dataset.live;
    show(JSON.parse(data));
  };
  stream.onerror = () => {
    stream.close();
    lost ||= setTimeout(() => {
      live.textContent = live.dataset.lost;
    }, LOST_MS);
    setTimeout(() => follow(''), retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  };
}

function show({ ticket, rest, news, isAwake: awake }) {
  put('ticket', ticket);
  put('rest', rest);
  const said = document.getElementById('news');
  if (said.textContent !== news) said.textContent = news;
  isAwake = awake;
  fitBars();
  void stayAwake();
}

/** As the server wrote it, by the element's id. */
const shown = new Map(['ticket', 'rest'].map((id) => [id, document.getElementById(id).innerHTML]));

/** What has not changed is left alone; what somebody opened or chose stays so. */
function put(id, inside) {
  const element = document.getElementById(id);
  const next = element.cloneNode(false);
  next.innerHTML = inside;
  if (next.innerHTML === shown.get(id)) return;
  shown.set(id, next.innerHTML);
  const chosen = element.querySelector('input:checked')?.id;
  if (chosen) for (const input of next.querySelectorAll('[type=radio]')) input.checked = input.id === chosen;
  const isOpen = element.querySelector('details')?.open;
  if (isOpen) for (const details of next.querySelectorAll('details')) details.open = true;
  element.replaceChildren(...next.childNodes);
}

/** Bars of a whole number of the screen's own pixels: others blur and do not scan. */
function fitBars() {
  for (const bars of document.querySelectorAll('.barcode--bars')) {
    const modules = Number(bars.style.getPropertyValue('--modules'));
    const room = Math.min(330, document.documentElement.clientWidth - 40) * devicePixelRatio;
    bars.firstElementChild.style.width = `${(Math.max(1, Math.floor(room / modules)) * modules) / devicePixelRatio}px`;
  }
}

let lock = null;
async function stayAwake() {
  try {
    if (!isAwake) await lock?.release();
    if (!isAwake || lock?.released === false || document.hidden) return;
    lock = await navigator.wakeLock?.request('screen');
  } catch {
    // A phone that saves its battery says no.
  }
}

document.addEventListener('visibilitychange', stayAwake);
addEventListener('resize', fitBars);
// Brought back from memory, it shows what was.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
fitBars();
void stayAwake();
follow('?view');
