import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Language } from '../../../protocol/pages/language.ts';
import type { Theme } from '../../config.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The text of a template that waits for nothing. */
export function text(page: Html): string {
  if (page instanceof Promise) throw new Error('a template of a page waits for something');
  return page.toString();
}

/** Where an asset is served. */
export type AssetPath = (name: string) => string;

/** How the pages of a store look and speak. */
export type Look = { readonly language: Language; readonly theme: Theme };

export type Page = {
  readonly title: string;
  readonly body: Html;
  /** The page's module; null: it needs none. */
  readonly script: string | null;
  /** Without script the page loads itself again after so many seconds. */
  readonly reloadSeconds?: number;
};

/** A page as a whole. It asks for nothing from another host and carries no script or style of its own. */
export function document({ title, body, script, reloadSeconds }: Page, asset: AssetPath, look: Look): Html {
  const { language, theme } = look;
  return html`<!doctype html>
<html lang="${language}"${theme === 'system' ? '' : html` data-theme="${theme}"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${theme === 'system' ? 'light dark' : theme}">
${/* A form is known to be ours by its Origin, which a page without a referrer does not send. */ ''}<meta name="referrer" content="same-origin">
<title>${title} · Tearline</title>
<link rel="stylesheet" href="${asset('tokens.css')}">
<link rel="stylesheet" href="${asset('components.css')}">
<link rel="icon" href="${asset('icon.svg')}">
${script === null ? '' : html`<script type="module" src="${asset(script)}"></script>`}
${reloadSeconds === undefined ? '' : html`<noscript><meta http-equiv="refresh" content="${reloadSeconds}"></noscript>`}
</head>
<body>${body}</body>
</html>
`;
}
