/** FNC1 within a message, as scanners send it: GS. */
export const SEPARATOR = '\u001d';

/** One element of a GS1 message: an application identifier and what stands behind it. */
export type Element = { readonly ai: string; readonly value: string };

/**
 * An element string as a scanner sends it, GS (0x1D) between elements. Elements are parted and not looked into: what
 * this project has no use for is not judged. Null: no element string.
 */
export function readElementString(text: string): Element[] | null {
  const elements: Element[] = [];
  for (const part of text.split(SEPARATOR)) {
    for (let rest = part; rest !== ''; ) {
      const ai = rest.slice(0, aiDigits(rest));
      const end = FIXED_LENGTHS[rest.slice(0, 2)] ?? rest.length;
      if (!isAi(ai) || end <= ai.length || end > rest.length) return null;
      elements.push({ ai, value: rest.slice(ai.length, end) });
      rest = rest.slice(end);
    }
  }
  return elements.length === 0 ? null : elements;
}

/** The bracket form, as printed under barcodes: `(255)5412345000150(17)261231`, with spaces or without. Null: not of this form. */
export function readBrackets(text: string): Element[] | null {
  if (!/^(?:\([0-9]{2,4}\)[^()]+)+$/.test(text)) return null;
  return [...text.matchAll(/\(([0-9]{2,4})\)([^()]+)/g)].map(([, ai = '', value = '']) => ({
    ai,
    value: value.replaceAll(' ', ''),
  }));
}

/**
 * The elements of a GS1 Digital Link: pairs at the end of the path, then the parameters whose name is an application
 * identifier. The stem in front may be anybody's. Compressed links are not opened. Null: no link, or none of GS1's.
 */
export function readDigitalLink(text: string): Element[] | null {
  const link = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (link === null) return null;
  const pairs = pairsAtEnd(link.pathname.replace(/\/$/, '').split('/'));
  // Any path may have numbers in it (a year, a page); GS1's keys are long.
  const key = pairs.findIndex(({ value }) => /^[0-9]{8,}$/.test(value));
  const elements = key === -1 ? [] : pairs.slice(key);
  // (255) is a key: its place is the path.
  for (const [ai, value] of link.searchParams) if (isAi(ai) && ai !== '255') elements.push({ ai, value });
  return elements.length === 0 ? null : elements;
}

function pairsAtEnd(segments: readonly string[]): Element[] {
  const pairs: Element[] = [];
  for (let end = segments.length; end >= 2; end -= 2) {
    const [ai = '', value = ''] = segments.slice(end - 2, end);
    if (!isAi(ai)) break;
    pairs.unshift({ ai, value });
  }
  return pairs;
}

const isAi = (text: string): boolean => /^[0-9]{2,4}$/.test(text);

/** How many digits an identifier has is told by its first two. GS1 General Specifications, figure 3.2-1. */
function aiDigits(text: string): number {
  if (/^(?:3[1-6]|39|43|70|72|8[0-2])/.test(text)) return 4;
  if (/^(?:2[345]|4[012]|71)/.test(text)) return 3;
  return 2;
}

/** Elements that begin so need no separator: their length, identifier included, is fixed. Figure 7.8.5-2 of the same. */
const FIXED_LENGTHS: Readonly<Record<string, number>> = {
  ...{ '00': 20, '01': 16, '02': 16, '03': 16, '04': 18, '20': 4, '41': 16 },
  ...Object.fromEntries(['11', '12', '13', '14', '15', '16', '17', '18', '19'].map((start) => [start, 8])),
  ...Object.fromEntries(['31', '32', '33', '34', '35', '36'].map((start) => [start, 10])),
};
