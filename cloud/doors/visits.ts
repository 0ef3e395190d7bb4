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

/**
 * Does a page that a person looks at load this as its style? Previews read a page's head for a picture and a title; what
 * loads its styles draws it, and asks for them by their type, as every browser does.
 */
export function isStyleOfVisit(request: Request): boolean {
  const { headers } = request;
  const isStyle = (headers.get('sec-fetch-dest') ?? 'style') === 'style';
  return isVisit(request) && isStyle && /(^|,)\s*text\/css/i.test(headers.get('accept') ?? '');
}

/** An empty name is no browser's; Cubot makes telephones. */
const BOTS =
  /^$|(?<!cu)bot(\b|[/;_-])|crawl|spider|preview|facebookexternalhit|facebookcatalog|whatsapp|skypeuripreview|slack|embedly|snapchat|pinterest|vkshare|viber|linkedin|google-(safety|pagerenderer|read)|bitlybot|curl|wget|python|java\/|go-http|okhttp|axios|node-fetch|undici|headless|monitor|scan/i;
