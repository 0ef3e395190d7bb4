/** HTML with every value escaped, for mails. What is put in as `Html` stays as it is. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  return new Html(parts.map((part, i) => (i === 0 ? part : `${textOf(values[i - 1] ?? '')}${part}`)).join(''));
}

const textOf = (value: string | Html): string => (value instanceof Html ? value.text : escapeHtml(value));

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
