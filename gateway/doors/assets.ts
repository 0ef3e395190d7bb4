import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Hono } from 'hono';
import type { AssetPath } from './pages/document.ts';

const own = [
  'tokens.css',
  'components.css',
  'icon.svg',
  ...['above', 'below', 'left', 'right'].map((side) => `torn-${side}.svg`),
  'scanner-test.svg',
  'live.js',
  'wedge.js',
  'sounds.js',
  'lane.js',
  'status.js',
];
/** SIL OFL 1.1, as the packages carry them. The style sheet names them by these paths. */
const fonts = {
  'fonts/hanken-grotesk-latin-wght-normal.woff2':
    '@fontsource-variable/hanken-grotesk/files/hanken-grotesk-latin-wght-normal.woff2',
  'fonts/atkinson-hyperlegible-mono-latin-wght-normal.woff2':
    '@fontsource-variable/atkinson-hyperlegible-mono/files/atkinson-hyperlegible-mono-latin-wght-normal.woff2',
};
const types = [
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.woff2', 'font/woff2'],
] as const;

export type Assets = { readonly path: AssetPath; readonly routes: Hono };

/** The pages' styles, fonts and scripts, kept by browsers for a year: a change of any of them is another path. */
export function loadAssets(): Assets {
  const bodies = new Map<string, Buffer>([
    ...own.map((name) => [name, readFileSync(new URL(`./assets/${name}`, import.meta.url))] as const),
    ...Object.entries(fonts).map(([name, from]) => [name, readFileSync(new URL(import.meta.resolve(from)))] as const),
  ]);
  const version = hash('sha256', Buffer.concat([...bodies.values()])).slice(0, 12);
  const routes = new Hono();
  for (const [name, body] of bodies) {
    const headers = {
      'content-type': types.find(([ending]) => name.endsWith(ending))?.[1] ?? 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
    };
    // Fonts are compressed in themselves.
    const small = name.endsWith('.woff2') ? null : gzipSync(body);
    routes.get(`/assets/${version}/${name}`, (c) =>
      small !== null && /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
        ? c.body(new Uint8Array(small), 200, { ...headers, 'content-encoding': 'gzip', vary: 'accept-encoding' })
        : c.body(new Uint8Array(body), 200, headers),
    );
  }
  return { path: (name) => `/assets/${version}/${name}`, routes };
}
