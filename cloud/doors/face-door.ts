import { z } from 'zod';
import { storeIdSchema } from '../../protocol/reservation.ts';
import { problem } from '../../protocol/problem.ts';
import type { Face, Faces } from '../distribution/faces.ts';
import { isLink } from '../distribution/secrets.ts';
import type { NoteTrace } from '../distribution/traces.ts';
import type { Failures } from './failures.ts';
import { FORM_TYPE, seeOther, withForm } from './forms.ts';
import { type DoorOperation, type Endpoint, problemResponse } from './http.ts';
import { closedPage } from './pages/closed-page.ts';
import type { AssetPath, Shop } from './pages/document.ts';
import { faceEvent, facePage } from './pages/face-page.ts';
import { languageFor, type Locale, localeOf } from './pages/locale.ts';
import { pageResponse } from './pages/page-response.ts';
import { storesPage } from './pages/stores-page.ts';
import type { Streams } from './streams.ts';
import { isStyleOfVisit, isVisit } from './visits.ts';

export type FaceDoorPorts = {
  readonly faces: Faces;
  readonly note: NoteTrace;
  readonly streams: Streams;
  /** Of links that open nothing. */
  readonly failures: Failures;
  readonly shop: Shop;
  readonly asset: AssetPath;
  readonly now: () => number;
};

type Call = Parameters<Endpoint['serve']>[0];

/** One person's coupon, by its personal link: `GET /c/{link}`, its events, and the store in which it is kept ready. */
export function faceDoor(ports: FaceDoorPorts): Endpoint[] {
  const { faces, shop, asset, now } = ports;

  /** Serves what the link opens; whatever else it is, one and the same answer. */
  const opened = async (
    { param, remote, header }: Pick<Call, 'param' | 'remote' | 'header'>,
    serve: (face: Face, locale: Locale) => Promise<Response>,
  ): Promise<Response> => {
    const link = param('link');
    const face = isLink(link) ? await faces.face(link) : null;
    const language = languageFor(face?.person?.language ?? null, header('accept-language'));
    const locale = localeOf(language, now());
    return face === null ? closed(ports, remote, locale) : serve(face, locale);
  };

  return [
    {
      operation: routes.face,
      serve: (call) => opened(call, (face, locale) => pageResponse(facePage(face, locale, shop, asset))),
    },
    {
      operation: routes.events,
      serve: (call, request) => opened(call, async (face, locale) => follow(ports, face, locale, call.remote, request)),
    },
    {
      operation: routes.seen,
      serve: (call, request) =>
        opened(call, async (face) => {
          if (isStyleOfVisit(request)) noteView(ports, face);
          return new Response('', { headers: { 'content-type': 'text/css' } });
        }),
    },
    {
      operation: routes.stores,
      serve: (call, request) =>
        opened(call, (face, locale) => {
          const text = (new URL(request.url).searchParams.get('q') ?? '').slice(0, SOUGHT_CHARACTERS_MAX);
          return pageResponse(storesPage(face, { text, refusal: null }, locale, shop, asset));
        }),
    },
    withForm(routes.place, async ({ body: { store }, ...call }) =>
      opened(call, async (face, locale) => {
        const chosen = await faces.choosePlace(face, store === '' ? null : store);
        if (chosen === 'stocked' || chosen === 'let_go') return seeOther(`/c/${face.coupon.link}`);
        return pageResponse(storesPage(face, { text: '', refusal: chosen }, locale, shop, asset), 409);
      }),
    ),
  ];
}

/** A store's name and its street. */
const SOUGHT_CHARACTERS_MAX = 80;

const common = { scope: null, tag: 'Faces', response: z.string(), responseType: 'text/html' } as const;

const routes = {
  face: {
    ...common,
    method: 'GET',
    path: '/c/{link}',
    summary:
      'The live page of one coupon, for who has its personal link. Whatever opens nothing gets one and the same answer.',
  },
  events: {
    ...common,
    method: 'GET',
    path: '/c/{link}/events',
    summary: 'What changes on that page, as server-sent events. `?view` counts a view, unless a preview asks.',
    responseType: 'text/event-stream',
  },
  seen: {
    ...common,
    method: 'GET',
    path: '/c/{link}/seen.css',
    summary:
      'An empty style sheet that browsers without script load with that page: it counts a view, as the stream does.',
    responseType: 'text/css',
  },
  stores: {
    ...common,
    method: 'GET',
    path: '/c/{link}/stores',
    summary: 'The stores where that coupon works; `?q` is sought in their names and addresses.',
  },
  place: {
    ...common,
    method: 'POST',
    path: '/c/{link}/place',
    summary: 'Keep that coupon ready in a store; an empty `store` lets go of it.',
    body: z.object({ store: z.union([z.literal(''), storeIdSchema]) }),
    bodyType: FORM_TYPE,
  },
} as const satisfies Record<string, DoorOperation>;

/** A view is counted by its first stream: previews open none. Without script there is none, and `seen.css` counts it. */
function follow(ports: FaceDoorPorts, face: Face, locale: Locale, remote: string, request: Request): Response {
  const { faces, streams, shop } = ports;
  // Asked for without a body, nobody would ever end it.
  if (request.method === 'HEAD') return new Response(null, { headers: { 'content-type': 'text/event-stream' } });
  const { link } = face.coupon;
  const stream = streams.open(remote, {
    async state() {
      const latest = await faces.face(link);
      return latest === null ? null : { data: faceEvent(latest, locale, shop), lookAgainAt: latest.lookAgainAt };
    },
    watch: (changed) => faces.watch(face, changed),
  });
  if (stream === null) return problemResponse(problem('too_many'), { 'retry-after': '30' });
  if (new URL(request.url).searchParams.has('view') && isVisit(request)) noteView(ports, face);
  return stream;
}

function noteView({ note, now }: FaceDoorPorts, { coupon }: Face): void {
  const { id: assignment, campaign, channel, source } = coupon;
  note({ kind: 'viewed', at: now(), campaign, assignment, channel, source });
}

function closed({ failures, shop, asset }: FaceDoorPorts, remote: string, locale: Locale): Promise<Response> {
  const waitSeconds = failures.note(remote);
  if (waitSeconds === null) return pageResponse(closedPage('unknown', locale, shop, asset), 404);
  return pageResponse(closedPage('tooMany', locale, shop, asset), 429, { 'retry-after': String(waitSeconds) });
}
