/**
 * What the live pages share: the inside of elements follows the server's events. Nothing is asked for again and again.
 */

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;
/** The box answered, but not with events: the session may have ended, and the page itself says so. */
const RELOAD_MS = 5_000;

/**
 * @param {string} url
 * @param {(state: any) => void} changed
 * @param {() => void} lost told once for each time that the stream breaks
 */
export function follow(url, changed, lost) {
  let retryMs = RETRY_MS_MIN;
  let isLost = false;
  const connect = () => {
    const stream = new EventSource(url);
    stream.onmessage = ({ data }) => {
      retryMs = RETRY_MS_MIN;
      isLost = false;
      changed(JSON.parse(data));
    };
    stream.onerror = () => {
      const isRefused = stream.readyState === EventSource.CLOSED;
      stream.close();
      if (!isLost) lost();
      isLost = true;
      if (isRefused) return setTimeout(() => location.reload(), RELOAD_MS);
      setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
    };
  };
  connect();
}

/**
 * Puts new insides into elements. What has not changed is left alone: it is not read out again, and nothing moves.
 * @param {Record<string, string>} parts by the elements' ids
 */
export function put(parts) {
  for (const [id, inside] of Object.entries(parts)) {
    const element = document.getElementById(id);
    // Somebody is typing there.
    if (element === null || element.contains(document.activeElement?.closest('input, select') ?? null)) continue;
    const next = element.cloneNode(false);
    next.innerHTML = inside;
    if (next.innerHTML !== element.innerHTML) element.innerHTML = inside;
  }
}
