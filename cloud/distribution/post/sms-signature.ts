import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * How the provider signs what it posts to us: HMAC-SHA1, keyed with the account's token, over the address as the provider
 * knows it and every parameter of the form, name and value, in the order of the names; base64.
 */
export function smsSignature(token: string, url: string, form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort();
  const parameters = names.flatMap((name) => [...new Set(form.getAll(name))].sort().map((value) => `${name}${value}`));
  return createHmac('sha1', token)
    .update(`${url}${parameters.join('')}`, 'utf8')
    .digest('base64');
}

export function isSignedBy(token: string, url: string, form: URLSearchParams, signature: string): boolean {
  const expected = Buffer.from(smsSignature(token, url, form));
  const given = Buffer.from(signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
