import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import { timesIn } from '../../protocol/pages/times.ts';
import type { PostOffice } from '../distribution/post/post-office.ts';
import type { Ledger } from '../ledger/port.ts';
import { type DoorOperation, type Endpoint, withoutBody } from './http.ts';
import { deliveryPage, deliveryParts } from './pages/delivery-page.ts';
import type { AssetPath, Shop } from './pages/document.ts';
import { pageResponse } from './pages/page-response.ts';

type Parts = {
  readonly postOffice: Pick<PostOffice, 'progressOf' | 'troubleOf'>;
  readonly ledger: Pick<Ledger, 'campaign'>;
  readonly shop: Shop;
  readonly asset: AssetPath;
  readonly now: () => number;
};

/** A delivery to look at. The page is the same for everybody and says nothing; what it shows it asks for with a token. */
export function deliveryPageDoor({ postOffice, ledger, shop, asset, now }: Parts): Endpoint[] {
  return [
    withoutBody(routes.page, ({ param }) => pageResponse(deliveryPage(param('id'), shop, asset))),
    withoutBody(routes.parts, async ({ param }) => {
      const progress = await postOffice.progressOf(param('id'));
      const campaign = progress === null ? null : await ledger.campaign(progress.delivery.campaign);
      if (progress === null || campaign === null) return err(problem('not_found'));
      const { offer, timeZone } = campaign.card;
      const times = timesIn(timeZone, now(), 'en');
      const trouble = postOffice.troubleOf(progress.delivery.channel);
      return ok({ ...deliveryParts({ progress, trouble, times, title: offer.title }), clock: times.seconds(now()) });
    }),
  ];
}

export const deliveryPagePath = (id: string): string => `/deliveries/${id}`;

const routes = {
  page: {
    ...{ method: 'GET', path: '/deliveries/{id}', scope: null, tag: 'Messages' },
    summary: 'The page that follows a delivery, for a browser. It asks for the admin token.',
    response: z.string(),
    responseType: 'text/html',
  },
  parts: {
    ...{ method: 'GET', path: '/deliveries/{id}/parts', scope: 'admin', tag: 'Messages' },
    summary: 'What that page shows just now, as HTML by element. Programs ask for `/v1/deliveries/{id}`.',
    response: z.object({
      parts: z.record(z.string(), z.string()),
      news: z.string(),
      /** Little will change by itself. */
      isOver: z.boolean(),
      clock: z.string(),
    }),
  },
} as const satisfies Record<string, DoorOperation>;
