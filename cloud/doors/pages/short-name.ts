/** Longer ones are cut: the line above a coupon has room for so much. */
const NAME_CHARACTERS_MAX = 40;

/** `A. Okafor`: no more of a name is shown than its owner needs to know it. One word stays as it is. */
export function shortName(name: string): string {
  const words = name
    // What cannot be seen can turn what can be seen around.
    .replace(/\p{C}/gu, '')
    .trim()
    .split(/\s+/u);
  const [first = ''] = words;
  const last = words.at(-1) ?? '';
  const short = words.length > 1 ? `${initialOf(first)}. ${last}` : last;
  return [...short].slice(0, NAME_CHARACTERS_MAX).join('');
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
const initialOf = (word: string): string => segmenter.segment(word)[Symbol.iterator]().next().value?.segment ?? '';
