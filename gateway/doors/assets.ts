import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { ASSET_TYPES, FONTS, PAGE_ASSETS } from '../../protocol/pages/assets.ts';
import type { AssetPath } from './pages/document.ts';

const own = ['scanner-test.svg', 'live.js', 'wedge.js', 'sounds.js', 'lane.js', 'status.js'];

export type Assets = { readonly path: AssetPath; readonly routes: Hono };

/** The pages' styles, fonts and scripts, kept by browsers for a year: a change of any of them is another path. */
export function loadAssets(): Assets {
  const bodies = new Map<string, Buffer>([
    ...PAGE_ASSETS.map(
      (name) => [name, readFileSync(new URL(`../../protocol/pages/assets/${name}`, import.meta.url))] as const,
    ),
    ...own.map((name) => [name, readFileSync(new URL(`./assets/${name}`, import.meta.url))] as const),
    ...Object.entries(FONTS).map(([name, from]) => [name, readFileSync(new URL(import.meta.resolve(from)))] as const),
  ]);
  const version = hash('sha256', Buffer.concat([...bodies.values()])).slice(0, 12);
  const routes = new Hono();
  for (const [name, body] of bodies) {
    const headers = {
      'content-type': ASSET_TYPES.find(([ending]) => name.endsWith(ending))?.[1] ?? 'application/octet-stream',
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
