/** What scanners and computers do with keys: a scanner presses places, a computer makes characters of them. */

/** A key that is pressed: its place by the name that browsers have for it, and whether Shift is held. */
export type Press = { readonly place: string; readonly shift: boolean };

/** What each place gives, alone and with Shift. `dead`: nothing yet, it waits for the next key. */
export type Keyboard = ReadonlyMap<string, readonly [string, string]>;

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** @param said by place, where it differs from a US keyboard: two characters, or `dead` */
function keyboard(said: Readonly<Record<string, string>>): Keyboard {
  const us: Record<string, readonly [string, string]> = {
    Minus: ['-', '_'],
    Slash: ['/', '?'],
    Period: ['.', '>'],
    Semicolon: [';', ':'],
    Comma: [',', '<'],
    BracketLeft: ['[', '{'],
    BracketRight: [']', '}'],
    Space: [' ', ' '],
  };
  for (const letter of letters) us[`Key${letter}`] = [letter.toLowerCase(), letter];
  for (const [digit, shifted] of [...')!@#$%^&*('].entries()) us[`Digit${digit}`] = [String(digit), shifted];
  const own = Object.entries(said).map(([place, gives]) => [place, pair(gives)] as const);
  return new Map([...Object.entries(us), ...own]);
}

const pair = (gives: string): readonly [string, string] =>
  gives === 'dead' ? ['Dead', 'Dead'] : [gives.slice(0, 1), gives.slice(1)];

export const keyboards = {
  us: keyboard({}),
  german: keyboard({
    KeyY: 'zZ',
    KeyZ: 'yY',
    Minus: 'ß?',
    Slash: '-_',
    BracketRight: '+*',
    BracketLeft: 'üÜ',
    Semicolon: 'öÖ',
  }),
  french: keyboard({
    KeyA: 'qQ',
    KeyQ: 'aA',
    KeyZ: 'wW',
    KeyW: 'zZ',
    KeyM: ',?',
    Semicolon: 'mM',
    Comma: ';.',
    Minus: ')°',
    BracketLeft: 'dead',
    BracketRight: '$£',
    ...Object.fromEntries([...'à&é"\'(-è_ç'].map((character, digit) => [`Digit${digit}`, `${character}${digit}`])),
    Digit6: '-6',
  }),
  spanish: keyboard({ Minus: "'?", Slash: '-_', BracketLeft: 'dead', BracketRight: '+*', Semicolon: 'ñÑ' }),
} as const;

/** The keys that a scanner presses for a barcode, as it believes the keyboard to be. @throws where it has no key for it */
export function pressesFor(text: string, scanner: Keyboard): Press[] {
  return [...text].map((character) => {
    for (const [place, gives] of scanner) {
      if (gives[0] === character) return { place, shift: false };
      if (gives[1] === character) return { place, shift: true };
    }
    throw new Error(`no key for ${character}`);
  });
}

/** The characters that a computer makes of them. */
export function typedOn(presses: readonly Press[], computer: Keyboard): string[] {
  return presses.map(({ place, shift }) => computer.get(place)?.[shift ? 1 : 0] ?? '');
}
