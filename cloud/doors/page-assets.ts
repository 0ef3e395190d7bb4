import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { ASSET_TYPES, FONTS, PAGE_ASSETS } from '../../protocol/pages/assets.ts';
import { problem } from '../../protocol/problem.ts';
import { err } from '../../protocol/result.ts';
import type { DoorOperation, Endpoint } from './http.ts';
import type { AssetPath } from './pages/document.ts';

const own = ['face.js', 'delivery.js'];

const route = {
  method: 'GET',
  path: '/assets/{version}/{file}',
  summary: 'What the pages load.',
  response: z.string(),
  scope: null,
  tag: 'Pages',
} as const satisfies DoorOperation;
const fontRoute = { ...route, path: '/assets/{version}/fonts/{file}' } as const satisfies DoorOperation;

export type PageAssets = { readonly path: AssetPath; readonly endpoints: readonly Endpoint[] };

/** The pages' styles, fonts and scripts, kept by browsers for a year: a change of any of them is another path. */
export function loadPageAssets(): PageAssets {
  const bodies = new Map([
    ...PAGE_ASSETS.map((name) => [name, read(`../../protocol/pages/assets/${name}`)] as const),
    ...own.map((name) => [name, read(`./assets/${name}`)] as const),
    ...Object.entries(FONTS).map(([name, from]) => [name, readFileSync(new URL(import.meta.resolve(from)))] as const),
  ]);
  const version = hash('sha256', Buffer.concat([...bodies.values()])).slice(0, 12);
  const assets = new Map([...bodies].map(([name, body]) => [name, prepare(name, body)]));
  const serve =
    (folder: string): Endpoint['serve'] =>
    async ({ param, header }) => {
      const asset = param('version') === version ? assets.get(`${folder}${param('file')}`) : undefined;
      return asset === undefined ? err(problem('not_found')) : respond(asset, header('accept-encoding'));
    };
  return {
    path: (name) => `/assets/${version}/${name}`,
    endpoints: [
      { operation: route, serve: serve('') },
      { operation: fontRoute, serve: serve('fonts/') },
    ],
  };
}

type Asset = { readonly type: string; readonly body: Buffer<ArrayBuffer>; readonly small: Buffer<ArrayBuffer> | null };

/** Fonts are compressed in themselves. */
function prepare(name: string, body: Buffer): Asset {
  const type = ASSET_TYPES.find(([ending]) => name.endsWith(ending))?.[1] ?? 'application/octet-stream';
  return { type, body: Buffer.from(body), small: name.endsWith('.woff2') ? null : gzipSync(body) };
}

function respond({ type, body, small }: Asset, accepted: string | undefined): Response {
  const headers = { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' };
  if (small === null || !/\bgzip\b/.test(accepted ?? '')) return new Response(body, { headers });
  return new Response(small, { headers: { ...headers, 'content-encoding': 'gzip', vary: 'accept-encoding' } });
}

const read = (path: string): Buffer => readFileSync(new URL(path, import.meta.url));
