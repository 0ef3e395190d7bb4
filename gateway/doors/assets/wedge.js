/** A scanner that types is told from a hand, and what it typed is kept whole: no character of it is guessed. */

/** Keystrokes closer than this are a scanner. */
const SCANNER_KEY_MS = 35;
/** Then a scanner that sends no Enter has ended: longer than a busy page lets a key wait, or half a code would be one. */
const SCANNER_END_MS = 250;
/** Fewer than these at once were a fast hand. */
const SCAN_CHARACTERS_MIN = 8;
/** In the place of a key that gave no character: whoever reads the scan sees that it is not whole. */
const BROKEN = '\ufffd';
/** Parts the fields of GS1 codes; scanners type it as Ctrl and a bracket. */
const GS = '\x1d';
/** They come between the characters of a scan, and are none. */
const MODIFIERS = ['Shift', 'CapsLock', 'AltGraph', 'Control', 'Alt', 'NumLock'];

/**
 * `endedAt`: the last key of a scan that ended by time. What comes at once after it is its rest, and no scan of its own.
 * @type {{ text: string, places: string, at: number, endedAt: number, isRest: boolean, field: HTMLInputElement | null,
 *   before: string, timer: number }}
 */
const burst = {
  text: '',
  places: '',
  at: -Infinity,
  endedAt: -Infinity,
  isRest: false,
  field: null,
  before: '',
  timer: 0,
};

/**
 * @param {HTMLInputElement} field of codes: what is typed where nothing can be typed goes into it
 * @param {(text: string, places: string) => void} scanned a whole scan, and what US keys would have given
 * @param {(event: KeyboardEvent) => void} pressed any key that is not a scanner's
 */
export function hearKeys(field, scanned, pressed) {
  const end = () => {
    clearTimeout(burst.timer);
    const { text, places, isRest } = burst;
    burst.text = '';
    scanned(isRest ? BROKEN + text : text, places);
  };

  document.addEventListener('keydown', (event) => {
    const { key, timeStamp } = event;
    const { activeElement } = document;
    const isFast = burst.text !== '' && timeStamp - burst.at < SCANNER_KEY_MS;
    if (MODIFIERS.includes(key)) {
      if (isFast) burst.at = timeStamp;
      return;
    }
    if ((key === 'Enter' || key === 'Tab') && burst.text.length >= (burst.isRest ? 2 : SCAN_CHARACTERS_MIN)) {
      event.preventDefault();
      return end();
    }
    const isHeldDown = event.ctrlKey || event.altKey || event.metaKey;
    const isText = key.length === 1 && (!isHeldDown || event.getModifierState('AltGraph'));
    if (isFast && (isText || burst.text.length > 1)) {
      if (isText) return add(event, key);
      if (key !== 'Enter' && key !== 'Tab') return add(event, event.ctrlKey && key === ']' ? GS : BROKEN);
    }
    // Space presses a button.
    if (isText && !(key === ' ' && activeElement.matches('button, a'))) return begin(event, key);
    putBack();
    if (!isHeldDown) pressed(event);
  });

  /** One character, by hand or the first of a scan: it is typed as any other. */
  function begin(event, key) {
    putBack();
    const into = document.activeElement.matches('#amount, [type="password"]') ? document.activeElement : field;
    const at = event.timeStamp;
    const isRest = at - burst.endedAt < SCANNER_KEY_MS;
    Object.assign(burst, { text: key, places: placeOf(event), at, isRest, field: into, before: into.value });
    into.focus();
  }

  /** The second one that comes too fast for a hand takes the first one back: a scan is not echoed. */
  function add(event, character) {
    event.preventDefault();
    if (burst.text.length === 1) burst.field.value = burst.before;
    burst.text += character;
    burst.places += character === event.key ? placeOf(event) : character;
    burst.at = event.timeStamp;
    clearTimeout(burst.timer);
    burst.timer = setTimeout(ended, SCANNER_END_MS);
  }

  function ended() {
    if (burst.text.length < SCAN_CHARACTERS_MIN && !burst.isRest) return putBack();
    burst.endedAt = burst.at;
    end();
  }

  /** It was a fast hand after all. */
  function putBack() {
    clearTimeout(burst.timer);
    if (burst.text.length > 1) burst.field.value += burst.text;
    burst.text = '';
  }
}

const SHIFTED_DIGITS = ')!@#$%^&*(';
const others = {
  Minus: '-_',
  Equal: '=+',
  BracketLeft: '[{',
  BracketRight: ']}',
  Backslash: '\\|',
  Semicolon: ';:',
  Quote: '\'"',
  Backquote: '`~',
  Comma: ',<',
  Period: '.>',
  Slash: '/?',
};

/** What a US keyboard gives at the place of this key; what has no place, as on a screen, is what it says. */
function placeOf({ code, shiftKey, key }) {
  if (/^Key[A-Z]$/.test(code)) return code.slice(3);
  if (/^Digit\d$/.test(code)) return shiftKey ? SHIFTED_DIGITS[code.slice(5)] : code.slice(5);
  return others[code]?.[shiftKey ? 1 : 0] ?? key;
}
