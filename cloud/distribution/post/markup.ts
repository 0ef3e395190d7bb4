/** HTML with every value escaped, for mails. What is put in as `Html` stays as it is. */
class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Html = Markup;

export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  return new Markup(parts.map((part, i) => (i === 0 ? part : `${textOf(values[i - 1] ?? '')}${part}`)).join(''));
}

/** Pieces that are markup already. */
export const joined = (pieces: readonly string[]): Html => new Markup(pieces.join(''));

const textOf = (value: string | Html): string => (value instanceof Markup ? value.text : escapeHtml(value));

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
