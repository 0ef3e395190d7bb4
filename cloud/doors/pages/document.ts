import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Language } from '../../../protocol/pages/language.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The text of a template that waits for nothing. */
export function text(page: Html): string {
  if (page instanceof Promise) throw new Error('a template of a page waits for something');
  return page.toString();
}

/** Where an asset is served. */
export type AssetPath = (name: string) => string;

/** Whose pages these are, for customers. */
export type Shop = {
  readonly retailer: string;
  /** How a customer reaches the retailer, as it is printed; null: not said. */
  readonly contact: string | null;
  /** The online shop's address; null: not linked. */
  readonly url: string | null;
};

export type Page = {
  readonly title: string;
  readonly language: Language;
  readonly body: Html;
  /** The page's module; null: it needs none. */
  readonly script: string | null;
};

/** A page as a whole. It asks for nothing from another host and carries no script of its own. */
export function document({ title, language, body, script }: Page, shop: Shop, asset: AssetPath): Html {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · ${shop.retailer}</title>
<link rel="stylesheet" href="${asset('tokens.css')}">
<link rel="stylesheet" href="${asset('components.css')}">
<link rel="icon" href="${asset('icon.svg')}">
${script === null ? '' : html`<script type="module" src="${asset(script)}"></script>`}
</head>
<body>${body}</body>
</html>
`;
}

/** The frame of every page for customers: whose it is, for whom, what the page is about. */
export function frame(shop: Shop, about: string | null, main: Html, foot: Html | '' = ''): Html {
  return html`<div class="face"><header class="face__head"><span>${shop.retailer}</span>${
    about === null ? '' : html`<span class="face__about">${about}</span>`
  }</header><main class="stack">${main}</main><footer class="face__foot"><span class="mark" role="img" aria-label="Tearline">Tear<i></i>line</span>${foot}</footer></div>`;
}
