/** How a text message travels: in parts of 140 bytes, in seven bits a character where the alphabet allows it. Pure. */

export type Segments = { readonly alphabet: 'gsm7' | 'ucs2'; readonly count: number };

/** GSM 03.38, default alphabet; without the escape. */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Each takes two places. */
const EXTENDED = '^{}\\[~]|€\f';
const basic: ReadonlySet<string> = new Set(BASIC);
const extended: ReadonlySet<string> = new Set(EXTENDED);

/** A whole message, and a part of a longer one, which carries a header of six bytes. */
const GSM7_ONE = 160;
const GSM7_PART = 153;
const UCS2_ONE = 70;
const UCS2_PART = 67;

export function segmentsOf(text: string): Segments {
  const sizes = gsm7Sizes(text);
  if (sizes !== null) return { alphabet: 'gsm7', count: parts(sizes, GSM7_ONE, GSM7_PART) };
  // A character beyond the first plane takes two places, which are not parted.
  return {
    alphabet: 'ucs2',
    count: parts(
      [...text].map(({ length }) => length),
      UCS2_ONE,
      UCS2_PART,
    ),
  };
}

/** Places of each character; null: one of them is not in this alphabet. */
function gsm7Sizes(text: string): number[] | null {
  const sizes: number[] = [];
  for (const character of text) {
    if (basic.has(character)) sizes.push(1);
    else if (extended.has(character)) sizes.push(2);
    else return null;
  }
  return sizes;
}

function parts(sizes: readonly number[], one: number, part: number): number {
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  if (whole <= one) return 1;
  let count = 1;
  let filled = 0;
  for (const size of sizes) {
    if (filled + size > part) {
      count += 1;
      filled = 0;
    }
    filled += size;
  }
  return count;
}

/** Typewriter signs for printer's ones: a single curly quote would halve what fits into a message. */
export function plain(text: string): string {
  return text.replace(
    /[\u2018\u2019\u201a\u2032\u201c\u201d\u201e\u2033\u2013\u2014\u2212\u2026\u00a0\u202f\u2009]/g,
    (sign) => PLAIN[sign] ?? sign,
  );
}

const PLAIN: Readonly<Record<string, string>> = {
  ...{ '\u2018': "'", '\u2019': "'", '\u201a': "'", '\u2032': "'" },
  ...{ '\u201c': '"', '\u201d': '"', '\u201e': '"', '\u2033': '"' },
  ...{ '\u2013': '-', '\u2014': '-', '\u2212': '-', '\u2026': '...' },
  ...{ '\u00a0': ' ', '\u202f': ' ', '\u2009': ' ' },
};

/**
 * The longest beginning of `title` with which the whole text is one part, where there is one of some use.
 * @param textWith the whole text with this title
 */
export function fitTitle(title: string, textWith: (title: string) => string): string {
  if (segmentsOf(textWith(title)).count === 1) return title;
  const characters = [...title];
  for (let length = characters.length - 1; length >= TITLE_CHARACTERS_LEAST; length -= 1) {
    const cut = `${characters.slice(0, length).join('').trimEnd()}...`;
    if (segmentsOf(textWith(cut)).count === 1) return cut;
  }
  return title;
}

/** What is shorter says nothing any more: then rather a second part. */
const TITLE_CHARACTERS_LEAST = 12;
