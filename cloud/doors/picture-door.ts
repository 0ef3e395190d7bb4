import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err } from '../../protocol/result.ts';
import type { Ledger } from '../ledger/port.ts';
import { type DoorOperation, type Endpoint, withoutBody } from './http.ts';
import { poster } from './pages/barcode.ts';
import { text } from './pages/document.ts';
import { readPicture, versionOf } from './pages/picture.ts';
import { sourceOf, sourceQuery } from './sources.ts';

/** Pictures of campaigns: the one on their faces, and the square that leads to their claim page. */
export function pictureDoor(ledger: Pick<Ledger, 'campaign'>, url: string): Endpoint[] {
  return [
    withoutBody(routes.picture, async ({ param }) => {
      const address = (await ledger.campaign(param('campaign')))?.picture ?? null;
      const picture = readPicture(address);
      if (address === null || picture === null || versionOf(address) !== param('version'))
        return err(problem('not_found'));
      const headers = { 'content-type': picture.type, 'cache-control': 'public, max-age=31536000, immutable' };
      return new Response(picture.bytes, { headers });
    }),
    {
      operation: routes.poster,
      async serve({ param }, request) {
        const campaign = await ledger.campaign(param('id'));
        if (campaign === null) return err(problem('not_found'));
        const source = sourceOf(new URL(request.url).searchParams);
        const svg = text(poster(`${url}/k/${campaign.id}${sourceQuery(source)}`));
        return new Response(svg, { headers: { 'content-type': 'image/svg+xml' } });
      },
    },
  ];
}

const routes = {
  picture: {
    method: 'GET',
    path: '/pictures/{campaign}/{version}',
    summary: 'The picture on a campaign’s faces.',
    response: z.string(),
    responseType: 'image/*',
    scope: null,
    tag: 'Faces',
  },
  poster: {
    method: 'GET',
    path: '/v1/campaigns/{id}/poster',
    summary: 'A QR code of the claim page, as SVG. Parameters of this address, as `?source=poster`, become its source.',
    response: z.string(),
    responseType: 'image/svg+xml',
    scope: 'admin',
    tag: 'Campaigns',
  },
} as const satisfies Record<string, DoorOperation>;
