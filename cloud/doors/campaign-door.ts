import { z } from 'zod';
import { invalidRequest, type Problem, problem } from '../../protocol/problem.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import {
  campaignChangeSchema,
  campaignOf,
  campaignView,
  campaignViewSchema,
  changedCampaign,
  idFromTitle,
  newCampaignSchema,
} from '../issuing/campaign.ts';
import type { Campaign, Ledger } from '../ledger/port.ts';
import { type Endpoint, withBody, withoutBody } from './http.ts';

const admin = { scope: 'admin', tag: 'Campaigns' } as const;

/** Campaigns: made, listed, changed, and what they may still cost. */
export function campaignDoor(ledger: Ledger): Endpoint[] {
  return [
    withBody(routes.create, async ({ body }) => {
      const stray = await strayStore(ledger, body.stores);
      if (stray !== null) return err(stray);
      return viewOf(await create(ledger, body));
    }),
    withoutBody(routes.list, async () => ok({ campaigns: (await ledger.campaigns()).map(campaignView) })),
    withoutBody(routes.one, async ({ param }) => {
      const campaign = await ledger.campaign(param('id'));
      return campaign === null ? err(problem('not_found')) : ok(campaignView(campaign));
    }),
    withBody(routes.change, async ({ body, param }) => {
      const stray = await strayStore(ledger, body.stores ?? 'all');
      if (stray !== null) return err(stray);
      return viewOf(await change(ledger, param('id'), body));
    }),
    withoutBody(routes.exposure, async ({ param }) => {
      const exposure = await ledger.exposure(param('id'));
      return exposure === null ? err(problem('not_found')) : ok(exposure);
    }),
  ];
}

const amountSchema = z.object({ units: z.int(), value: z.int() });
const capSchema = z.object({ units: z.int().nullable(), value: z.int().nullable() });

const routes = {
  create: {
    ...admin,
    method: 'POST',
    path: '/v1/campaigns',
    status: 201,
    summary: 'A new campaign. Its id is made from the title where none is given.',
    body: newCampaignSchema,
    response: campaignViewSchema,
  },
  list: {
    ...admin,
    method: 'GET',
    path: '/v1/campaigns',
    summary: 'All campaigns.',
    response: z.object({ campaigns: z.array(campaignViewSchema) }),
  },
  one: {
    ...admin,
    method: 'GET',
    path: '/v1/campaigns/{id}',
    summary: 'One campaign.',
    response: campaignViewSchema,
  },
  change: {
    ...admin,
    method: 'PATCH',
    path: '/v1/campaigns/{id}',
    summary:
      'Change some of its terms. Stores that are cut off use those signed with their reservations until these end.',
    body: campaignChangeSchema,
    response: campaignViewSchema,
  },
  exposure: {
    ...admin,
    method: 'GET',
    path: '/v1/campaigns/{id}/exposure',
    summary: 'Codes by state, and what can still be redeemed, in units and minor units of the currency.',
    response: z.object({
      campaign: z.string(),
      units: z.record(z.string(), z.int()),
      open: amountSchema,
      redeemed: amountSchema,
      cap: capSchema,
      currency: z.string(),
    }),
  },
} as const;

/** Titles repeat from year to year: this many campaigns of one title get a number behind the id that is made of it. */
const SAME_TITLES_MAX = 100;

async function create(ledger: Ledger, body: z.output<typeof newCampaignSchema>): Promise<Result<Campaign, Problem>> {
  const { id, ...terms } = body;
  const made = idFromTitle(terms.title);
  for (let attempt = 1; attempt <= SAME_TITLES_MAX; attempt++) {
    const candidate = id ?? (attempt === 1 ? made : `${made}-${attempt}`);
    const created = await ledger.createCampaign(campaignOf(candidate, 1, terms));
    if (created.ok) return created;
    if (id !== undefined) break;
  }
  return err(problem('conflict', { field: 'id', detail: 'There is a campaign of this id.' }));
}

async function change(
  ledger: Ledger,
  id: string,
  body: z.output<typeof campaignChangeSchema>,
): Promise<Result<Campaign, Problem>> {
  const now = await ledger.campaign(id);
  if (now === null) return err(problem('not_found'));
  const judged = changedCampaign(now, body);
  if (!judged.ok) return err(invalidRequest(judged.error));
  // Judged again on what is there by then: two changes, each good alone, may not be good together.
  let refusal: Problem | null = null;
  const changed = await ledger.changeCampaign(id, (latest) => {
    const after = changedCampaign(latest, body);
    refusal = after.ok ? null : invalidRequest(after.error);
    return after.ok ? after.value : latest;
  });
  if (refusal !== null) return err(refusal);
  return changed.ok ? changed : err(problem('not_found'));
}

async function strayStore(ledger: Ledger, stores: 'all' | readonly string[]): Promise<Problem | null> {
  if (stores === 'all') return null;
  const known = new Set((await ledger.stores()).map((store) => store.id));
  const stray = stores.findIndex((id) => !known.has(id));
  return stray === -1
    ? null
    : problem('invalid_request', { field: `stores.${stray}`, detail: 'There is no such store.' });
}

const viewOf = (campaign: Result<Campaign, Problem>) => (campaign.ok ? ok(campaignView(campaign.value)) : campaign);
