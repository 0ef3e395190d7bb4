/** Looks each second for what has arrived. Mails that are open stay open. */
const LOOK_MS = 1000;
const shown = { texts: '', mails: '' };

async function look() {
  try {
    const parts = await (await fetch('/parts')).json();
    for (const id of ['texts', 'mails']) {
      if (shown[id] === parts[id]) continue;
      shown[id] = parts[id];
      show(document.getElementById(id), parts[id]);
    }
  } catch {
    // The demo is stopped, or starts again: what is shown stays.
  }
  setTimeout(look, LOOK_MS);
}

function show(element, text) {
  if (element.id === 'texts') {
    element.innerHTML = text;
    return;
  }
  // Only what is new: a mail that is being read is not loaded again.
  const fresh = document.createElement('div');
  fresh.innerHTML = text;
  const known = new Set([...element.querySelectorAll('[data-mail]')].map((mail) => mail.dataset.mail));
  if (known.size === 0) element.replaceChildren(...fresh.children);
  else element.prepend(...[...fresh.children].filter((mail) => !known.has(mail.dataset.mail)));
}

look();
