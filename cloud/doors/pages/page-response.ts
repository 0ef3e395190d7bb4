import type { Html } from './document.ts';

/** A page as it is sent: strict, never kept, and never named to where its links lead. */
export async function pageResponse(page: Html, status = 200, headers: Record<string, string> = {}): Promise<Response> {
  return new Response(String(await page), {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': PAGE_POLICY,
      'cache-control': 'no-store',
      ...headers,
    },
  });
}

/** Nothing from another host. Style attributes carry numbers alone: a barcode's modules. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');
