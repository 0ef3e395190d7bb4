/**
 * Is this a person who looks? Messengers and mail filters open links to preview or to check them: they say so in their
 * name, ask with HEAD, or fetch ahead. What still passes opens no event stream, which is what counts as a view.
 */
export function isVisit(request: Request): boolean {
  const { headers } = request;
  if (request.method !== 'GET') return false;
  const purpose = `${headers.get('sec-purpose') ?? ''} ${headers.get('purpose') ?? ''} ${headers.get('x-moz') ?? ''}`;
  return !/prefetch|preview/i.test(purpose) && !BOTS.test(headers.get('user-agent') ?? '');
}

/** An empty name is no browser's; Cubot makes telephones. */
const BOTS =
  /^$|(?<!cu)bot(\b|[/;_-])|crawl|spider|preview|facebookexternalhit|facebookcatalog|whatsapp|skypeuripreview|slack|embedly|snapchat|pinterest|vkshare|viber|linkedin|google-(safety|pagerenderer|read)|bitlybot|curl|wget|python|java\/|go-http|okhttp|axios|node-fetch|undici|headless|monitor|scan/i;
