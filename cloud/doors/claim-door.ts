import { z } from 'zod';
import { validityIn } from '../../protocol/card.ts';
import { type Problem, problem } from '../../protocol/problem.ts';
import { campaignIdSchema } from '../../protocol/reservation.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { type Address, parseEmail, parsePhone } from '../distribution/identity.ts';
import type { ClaimRefusal, Distribution } from '../distribution/port.ts';
import type { Source } from '../distribution/store.ts';
import type { NoteTrace } from '../distribution/traces.ts';
import type { Campaign, Ledger } from '../ledger/port.ts';
import { seeOther, withBodyOrForm } from './forms.ts';
import { refusalProblem } from './assignment-door.ts';
import { type DoorOperation, type Endpoint, problemResponse } from './http.ts';
import { networkOf } from './network.ts';
import { claimPage, type Over, overPage, proofPage } from './pages/claim-page.ts';
import { closedPage } from './pages/closed-page.ts';
import type { AssetPath, Shop } from './pages/document.ts';
import { languageFor, type Locale, localeOf } from './pages/locale.ts';
import { pageResponse } from './pages/page-response.ts';
import { sourceOf, sourceOfForm, sourceQuery } from './sources.ts';
import { isVisit } from './visits.ts';

export type ClaimDoorPorts = {
  readonly distribution: Pick<Distribution, 'claim' | 'prove' | 'left'>;
  readonly ledger: Pick<Ledger, 'campaign'>;
  readonly note: NoteTrace;
  readonly shop: Shop;
  /** ISO 3166, of telephone numbers without a country code; null: they must have one. */
  readonly country: string | null;
  /** How the outside reaches this cloud, without a slash at its end. */
  readonly url: string;
  readonly asset: AssetPath;
  readonly now: () => number;
};

/** A coupon on demand: the claim page `GET /k/{campaign}`, `POST /claims`, and the proof of the address. */
export function claimDoor(ports: ClaimDoorPorts): Endpoint[] {
  const { ledger, distribution, note, shop, asset, url, now } = ports;
  return [
    {
      operation: routes.page,
      async serve(call, request) {
        const locale = localeFor(ports, call);
        const source = sourceOf(new URL(request.url).searchParams);
        const campaign = await ledger.campaign(call.param('campaign'));
        if (campaign === null) return closed(ports, locale);
        if (isVisit(request))
          note({ kind: 'click', at: now(), campaign: campaign.id, assignment: null, channel: 'web', source });
        const over = await whyOver(ports, campaign);
        if (over !== null) return overAnswer(ports, campaign, over, locale);
        return pageResponse(claimPage({ campaign, source, address: '', error: null }, locale, shop, asset));
      },
    },
    withBodyOrForm(
      routes.claim,
      claimFormSchema,
      async ({ body, remote, header }) => {
        const address = readAddress(body.address, ports);
        if (!address.ok) return err(problem('invalid_request', { field: 'address', detail: ERRORS[address.error] }));
        const claimed = await distribution.claim({
          ...{ campaign: body.campaign, address: address.value, source: sourceOf(Object.entries(body.source)) },
          ...{ language: languageFor(body.language, header('accept-language')), network: networkOf(remote) },
          proved: body.proved,
          consent: body.consent === null ? null : { wording: body.consent, at: now(), source: 'app' },
        });
        if (!claimed.ok) return refusalAnswer(claimed.error);
        return ok({ claim: claimed.value.claim, expiresAt: new Date(claimed.value.expiresAt).toISOString() });
      },
      (call) => claimByForm(ports, call.body, call.remote, localeFor(ports, call)),
    ),
    {
      operation: routes.proofPage,
      async serve(call, request) {
        const { search } = new URL(request.url);
        return proofAnswer(ports, call.param('id'), search, null, localeFor(ports, call));
      },
    },
    withBodyOrForm(
      routes.proof,
      proofFormSchema,
      async ({ body, param }) => {
        const proved = await prove(ports, param('id'), body.proof);
        if (!proved.ok) return refusalAnswer(proved.error);
        const { link, assignment, isNew } = proved.value;
        return ok({ link: `${url}/c/${link}`, assignment, isNew });
      },
      async (call) => {
        const locale = localeFor(ports, call);
        const proof = call.body.proof.replace(/[\s-]/g, '');
        const answer = (error: string, status: number) =>
          proofAnswer(ports, call.param('id'), `?${call.body.query}`, error, locale, status);
        if (!PROOF.test(proof)) return answer(locale.words.proof.digits, 422);
        const proved = await prove(ports, call.param('id'), proof);
        if (proved.ok) return seeOther(`/c/${proved.value.link}`);
        const campaign = isOver(proved.error) ? await campaignOfQuery(ports, call.body.query) : null;
        return isOver(proved.error) && campaign !== null
          ? overAnswer(ports, campaign, proved.error, locale)
          : answer(locale.words.proof.wrong, 403);
      },
    ),
  ];
}

const TEXT_CHARACTERS_MAX = 2_000;
const PROOF = /^\d{6}$/;
const CLAIM = /^[A-Za-z0-9_-]{1,64}$/;
const addressSchema = z.string().max(TEXT_CHARACTERS_MAX);

const claimSchema = z.strictObject({
  campaign: campaignIdSchema,
  /** A mobile number, with its country code, or an e-mail address. */
  address: addressSchema,
  language: z.string().max(35).nullable().default(null),
  source: z.record(z.string(), z.string()).default({}),
  /** A claim that this person has just proved: the two addresses are one person's. */
  proved: z.string().regex(CLAIM).nullable().default(null),
  /** What the person agreed to, word for word. */
  consent: z.string().min(1).max(TEXT_CHARACTERS_MAX).nullable().default(null),
});

const claimFormSchema = z.looseObject({ campaign: z.string().max(100), address: addressSchema }).catchall(z.string());
const proofFormSchema = z.object({
  proof: z.string().max(100),
  /** Where new digits are asked for. */
  query: z.string().max(TEXT_CHARACTERS_MAX).default(''),
});

const common = { scope: null, tag: 'Claims' } as const;
const page = { ...common, method: 'GET', response: z.string(), responseType: 'text/html' } as const;

const routes = {
  page: {
    ...page,
    path: '/k/{campaign}',
    summary: 'The claim page. Parameters of its address are kept as the source: ten, up to 120 characters each.',
  },
  claim: {
    ...common,
    method: 'POST',
    path: '/claims',
    status: 201,
    summary: 'Ask for a coupon: six digits are sent to the address. The same address gets the same coupon each time.',
    body: claimSchema,
    response: z.object({ claim: z.string(), expiresAt: z.iso.datetime() }),
  },
  proofPage: { ...page, path: '/claims/{id}/verification', summary: 'The page that asks for the six digits.' },
  proof: {
    ...common,
    method: 'POST',
    path: '/claims/{id}/verification',
    summary: 'Prove the address by the six digits: five tries in ten minutes. `link` is the coupon’s live page.',
    body: z.strictObject({ proof: z.string().regex(PROOF, 'six digits') }),
    response: z.object({ link: z.string(), assignment: z.string(), isNew: z.boolean() }),
  },
} as const satisfies Record<string, DoorOperation>;

async function claimByForm(
  ports: ClaimDoorPorts,
  form: z.output<typeof claimFormSchema>,
  remote: string,
  locale: Locale,
): Promise<Response> {
  const { ledger, distribution, shop, asset, now } = ports;
  const source = sourceOfForm(form);
  const campaign = await ledger.campaign(form.campaign);
  if (campaign === null) return closed(ports, locale);
  const again = (error: string, status: number, headers: Record<string, string> = {}) =>
    pageResponse(claimPage({ campaign, source, address: form.address, error }, locale, shop, asset), status, headers);
  const over = await whyOver(ports, campaign);
  if (over !== null) return overAnswer(ports, campaign, over, locale);
  const address = readAddress(form.address, ports);
  if (!address.ok) return again(locale.words.claim.errors[address.error], 422);
  const wording = locale.words.claim.consent(shop.retailer);
  const claimed = await distribution.claim({
    ...{ campaign: campaign.id, address: address.value, language: locale.language, source },
    ...{ network: networkOf(remote), proved: null, consent: { wording, at: now(), source: 'web' } },
  });
  if (claimed.ok)
    return seeOther(`/claims/${claimed.value.claim}/verification${sourceQuery({ k: campaign.id, ...source })}`);
  if (isOver(claimed.error)) return overAnswer(ports, campaign, claimed.error, locale);
  if (claimed.error === 'not_set_up') return again(locale.words.claim.noChannel[address.value.kind], 503);
  if (typeof claimed.error === 'string' || !('tooMany' in claimed.error)) return closed(ports, locale);
  const { tooMany, retryAfterSeconds } = claimed.error;
  const minutes = Math.max(1, Math.ceil(retryAfterSeconds / 60));
  return again(locale.words.claim.tooMany[tooMany](minutes), 429, { 'retry-after': String(retryAfterSeconds) });
}

function prove({ distribution }: ClaimDoorPorts, claim: string, proof: string) {
  return CLAIM.test(claim) ? distribution.prove(claim, proof) : Promise.resolve(err('not_proved' as const));
}

/** A claim that is not there asks for digits like any other: whether it is tells nobody anything. */
function proofAnswer(
  { shop, asset }: ClaimDoorPorts,
  id: string,
  search: string,
  error: string | null,
  locale: Locale,
  status = 200,
): Promise<Response> {
  const { campaign, source } = readQuery(search);
  const again = campaign === null ? null : `/k/${campaign}${sourceQuery(source)}`;
  const action = `/claims/${encodeURIComponent(id)}/verification`;
  const query = search.replace(/^\?/, '').slice(0, TEXT_CHARACTERS_MAX);
  return pageResponse(proofPage({ action, query, error, again }, locale, shop, asset), status);
}

/** What the claim page sent along: whose page it was, and the source. */
function readQuery(query: string): { readonly campaign: string | null; readonly source: Source } {
  const { k, ...source } = sourceOf(new URLSearchParams(query));
  return { campaign: campaignIdSchema.safeParse(k).data ?? null, source };
}

async function campaignOfQuery({ ledger }: ClaimDoorPorts, query: string): Promise<Campaign | null> {
  const { campaign } = readQuery(query);
  return campaign === null ? null : ledger.campaign(campaign);
}

const isOver = (refusal: ClaimRefusal): refusal is Over =>
  refusal === 'none_left' || refusal === 'none_left_today' || refusal === 'ended';

async function whyOver({ distribution, now }: ClaimDoorPorts, campaign: Campaign): Promise<Over | null> {
  if (validityIn(campaign.card, campaign.card.timeZone).endsAt <= now()) return 'ended';
  return (await distribution.left(campaign.id)) === 0 ? 'none_left' : null;
}

function overAnswer({ shop, asset }: ClaimDoorPorts, campaign: Campaign, why: Over, locale: Locale): Promise<Response> {
  const { card } = campaign;
  const lastDay = locale.times(card.timeZone).day(validityIn(card, card.timeZone).endsAt - 1);
  return pageResponse(overPage(campaign, why, lastDay, locale, shop, asset));
}

const closed = ({ shop, asset }: ClaimDoorPorts, locale: Locale): Promise<Response> =>
  pageResponse(closedPage('unknown', locale, shop, asset), 404);

function localeFor({ now }: ClaimDoorPorts, { header }: Pick<Parameters<Endpoint['serve']>[0], 'header'>): Locale {
  return localeOf(languageFor(null, header('accept-language')), now());
}

/** An e-mail address has its sign; all else is meant as a telephone number. */
function readAddress(typed: string, { country }: ClaimDoorPorts): Result<Address, keyof typeof ERRORS> {
  if (typed.trim() === '') return err('empty');
  const isEmail = typed.includes('@');
  const read = isEmail ? parseEmail(typed) : parsePhone(typed, country);
  return read.ok ? read : err(isEmail ? 'email' : 'phone');
}

/** For programs; pages say it in their reader's language. */
const ERRORS = {
  empty: 'A mobile number or an e-mail address.',
  phone: 'A number with its country code, as +1 202 555 0142.',
  email: 'An address as name@example.com.',
} as const;

function refusalAnswer(refusal: ClaimRefusal): Result<never, Problem> | Response {
  if (refusal === 'not_proved' || refusal === 'not_set_up') return err(problem(refusal));
  if (typeof refusal === 'object' && 'tooMany' in refusal)
    return problemResponse(problem('too_many'), { 'retry-after': String(refusal.retryAfterSeconds) });
  return err(refusalProblem(refusal));
}
