import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CampaignVersion, OldTermsView, PersonalRefusal } from '../../cloud/ledger/port.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';
import { err, ok } from '../../protocol/result.ts';
import { campaignWith, cardWith, NOW } from '../rules/ledger-rows.ts';
import { fakeLedger, openTestDoors, type TestDoors } from './cloud-doors.ts';

/** Versions of terms, personal offers, and the list of redemptions under old terms. */

const version = (n: number, changes: Partial<CampaignVersion> = {}): CampaignVersion => ({
  ...campaignWith({ card: cardWith({ version: n }), personalValueMax: 700 }),
  changedAt: NOW + n,
  ...changes,
});
const SEVEN = { type: 'amount', amount: 700, currency: 'USD' } as const;
const terms = (n: number, title: string) => ({
  ...{ version: n, title, discount: SEVEN, startsAt: '2026-11-01', endsAt: '2026-11-30' },
  ...{ minimumBasket: { amount: 2000, currency: 'USD' }, condition: null, terms: 'None.' },
});
const row: OldTermsView = {
  ...{ campaign: 'spring', lastFour: '8WNS', store: '0042', at: NOW, basket: 'b-1', reversed: false },
  used: terms(1, '$7 "off", today'),
  inForce: terms(2, '$5 off'),
  difference: { amount: -200, currency: 'USD' },
};

let doors: TestDoors;
let asked: [string, string, PersonalOffer][];
let refusal: PersonalRefusal | null;
beforeEach(async () => {
  asked = [];
  refusal = null;
  const ledger = fakeLedger({
    campaignVersions: async (id) => (id === 'spring' ? [version(1), version(3, { terms: 'None.' })] : null),
    personalise: async (...given) => {
      asked.push(given);
      return refusal === null ? ok(personalCard(cardWith(), given[2])) : err(refusal);
    },
    oldTerms: async () => [row],
  });
  doors = await openTestDoors(ledger, { now: NOW });
});
afterEach(() => doors.close());

const get = (path: string) => doors.call('GET', path, { scope: 'admin' });
const personalise = (body: unknown) =>
  doors.call('POST', '/v1/campaigns/spring/personal-offers', { scope: 'admin', body });

test('the versions of a campaign’s terms are told with their times, the oldest first [P8]', async () => {
  const { json } = await get('/v1/campaigns/spring/versions');
  expect(json.versions).toMatchObject([
    { version: 1, at: '2026-11-23T10:00:00.001Z', terms: null, title: '$5 off', cap: { units: null, value: null } },
    { version: 3, at: '2026-11-23T10:00:00.003Z', terms: 'None.', personalValueMax: 700 },
  ]);
  expect((await get('/v1/campaigns/autumn/versions')).status).toBe(404);
});

describe('a personal offer', () => {
  test('is given to a code, and the terms are answered as they are for it [P13]', async () => {
    const offer = { title: '$7 off', discount: SEVEN, minimumBasket: null, terms: 'For Anna.' };
    const reply = await personalise({ code: '7KQ2-9MXD-4TRB-8WNS', ...offer });
    expect(reply.status).toBe(201);
    expect(reply.json).toEqual({
      ...{ title: '$7 off', discount: SEVEN, minimumBasket: null },
      ...{ startsAt: '2026-11-01', endsAt: '2027-11-30' },
    });
    expect(asked).toEqual([['spring', '7KQ2-9MXD-4TRB-8WNS', offer]]);
  });

  test.each<[PersonalRefusal, number, string, string | undefined]>([
    [{ why: 'unknown_code' }, 404, 'not_found', undefined],
    [{ why: 'not_free' }, 409, 'conflict', undefined],
    [{ why: 'has_one' }, 409, 'conflict', undefined],
    [{ why: 'out_of_bounds', field: 'endsAt', detail: 'after the campaign ends' }, 422, 'invalid_request', 'endsAt'],
    [{ why: 'cap_exceeded' }, 422, 'cap_exceeded', 'discount'],
  ])('that cannot be is refused with its reason: %o', async (why, status, type, field) => {
    refusal = why;
    const reply = await personalise({ code: 'ABC', title: 'Hello' });
    expect([reply.status, reply.json.type, reply.json.field]).toEqual([status, type, field]);
  });

  test.each([
    ['no code', { code: undefined }, 'code'],
    ['a code that is too long', { code: 'x'.repeat(513) }, 'code'],
    ['nothing of its own', { title: undefined }, undefined],
    ['an unknown field', { value: 700 }, 'value'],
    ['a discount of nothing', { discount: { ...SEVEN, amount: 0 } }, 'discount.amount'],
    ['a date that is none', { endsAt: '2026-02-30' }, 'endsAt'],
    ['no date', { endsAt: null }, 'endsAt'],
    ['a title that is too long', { title: 'x'.repeat(121) }, 'title'],
  ])('with %s is refused, and the field named', async (_, wrong, field) => {
    const reply = await personalise({ code: 'ABC', title: 'Hello', ...wrong });
    expect([reply.status, reply.json.type, reply.json.field]).toEqual([422, 'invalid_request', field]);
    expect(asked).toEqual([]);
  });
});

describe('what was redeemed under old terms', () => {
  test('is listed with both terms and the money [P8]', async () => {
    const { json, headers } = await get('/v1/reports/old-terms');
    expect(headers.get('content-type')).toContain('application/json');
    expect(json).toEqual({ redemptions: [{ ...row, at: '2026-11-23T10:00:00.000Z' }] });
  });

  test.each([
    ['text/csv', true],
    ['Text/CSV;q=0.9, text/plain', true],
    ['text/csv, application/json', false],
    ['*/*', false],
  ])('comes as a file to who accepts %s: %s [P8]', async (accept, isFile) => {
    const response = await fetch(`${doors.url}/v1/reports/old-terms`, {
      headers: { authorization: `Bearer ${doors.tokenByScope.admin}`, accept },
    });
    expect(response.headers.get('content-type')?.startsWith('text/csv')).toBe(isFile);
    if (!isFile) return;
    expect((await response.text()).split('\n')).toEqual([
      'campaign,lastFour,store,at,basket,reversed,usedVersion,usedTitle,usedDiscount,usedStartsAt,usedEndsAt,usedMinimumBasket,' +
        'inForceVersion,inForceTitle,inForceDiscount,inForceStartsAt,inForceEndsAt,inForceMinimumBasket,difference,currency',
      'spring,8WNS,0042,2026-11-23T10:00:00.000Z,b-1,false,1,"$7 ""off"", today",amount 700,2026-11-01,2026-11-30,2000,' +
        '2,$5 off,amount 700,2026-11-01,2026-11-30,2000,-200,USD',
      '',
    ]);
  });

  test('stands in the document of the API with both kinds of answer', async () => {
    const { json } = await doors.call('GET', '/openapi.json');
    const { content } = json.paths['/v1/reports/old-terms'].get.responses['200'];
    expect(Object.keys(content)).toEqual(['application/json', 'text/csv']);
    expect(Object.keys(json.paths)).toContain('/v1/campaigns/{id}/personal-offers');
  });
});
