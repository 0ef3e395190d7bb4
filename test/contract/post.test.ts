import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NewDelivery } from '../../cloud/distribution/post/deliveries.ts';
import type { NewMessage } from '../../cloud/distribution/post/store.ts';
import { PERSONAL_KEPT_DAYS } from '../../cloud/distribution/post/forgetting.ts';
import { QUIET_HOURS_DEFAULT } from '../../cloud/distribution/post/quiet-rules.ts';
import { addressOf, csv, eventually, openPostWorld, type PostWorld, PUBLIC_URL } from './post-world.ts';

const ANN = 'ann@example.com';
const BOB = 'bob@example.com';
const PHONE = '+12025550142';
const OTHER_PHONE = '+12025550143';

let world: PostWorld;
beforeEach(async () => {
  world = await openPostWorld();
  await world.campaign('spring');
});
afterEach(async () => {
  await world.office.close();
  world.database.close();
});

const wanted = (own: Partial<NewDelivery> = {}): NewDelivery => ({
  ...{ campaign: 'spring', kind: 'coupon', channel: 'email', subject: null, text: null, onUnknown: 'leave' },
  ...{ quiet: null, starts: { at: 0 } },
  ...own,
});
const list = (...addresses: string[]) => ({ csv: csv(`email\n${addresses.join('\n')}\n`) });
async function deliver(
  own: Partial<NewDelivery>,
  audience: Parameters<PostWorld['office']['createDelivery']>[1],
): Promise<string> {
  const made = await world.office.createDelivery(wanted(own), audience);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value.id;
}
const counts = async (id: string) => (await world.office.progressOf(id))?.counts ?? {};
const is = (id: string, expected: Record<string, number>) =>
  eventually(async () => JSON.stringify(sorted(await counts(id))) === JSON.stringify(sorted(expected)));
const sorted = (record: object) => Object.fromEntries(Object.entries(record).sort());
const messages = async (id: string) => (await world.office.messagesOf(id, null, 0, 1_000)) ?? [];

describe('a delivery', () => {
  test('gives each customer on its list one coupon and one message, with the personal link and the barcode', async () => {
    await world.agree(ANN, BOB);
    await world.office.open();
    const id = await deliver({}, list(ANN, BOB, 'ANN@example.com'));
    await is(id, { accepted: 2 });
    expect(world.mails.map(({ to }) => to).sort()).toEqual([ANN, BOB]);
    const [mail] = world.mails;
    const link = /\/c\/([A-Za-z0-9_-]{22})/.exec(mail?.text ?? '')?.[1] ?? '';
    const coupon = await world.distribution.byLink(link);
    expect(coupon).toMatchObject({ campaign: 'spring', how: 'delivery', channel: 'email', source: { delivery: id } });
    expect(mail?.html).toContain(`${PUBLIC_URL}/c/${link}`);
    expect(
      Buffer.from(mail?.barcode ?? [])
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect(world.traces.map(({ kind, campaign }) => [kind, campaign])).toEqual([
      ['delivered', 'spring'],
      ['delivered', 'spring'],
    ]);
    await eventually(async () => (await world.office.progressOf(id))?.delivery.state === 'done');
  });

  test('sends nothing to who has not agreed, and shows it; beside each message stands what was agreed to', async () => {
    await world.agree(ANN);
    await world.office.open();
    const id = await deliver({}, list(ANN, BOB));
    await is(id, { accepted: 1, suppressed: 1 });
    const told = (await messages(id)).map(({ state, reason, agreed }) => [state, reason, agreed?.wording ?? null]);
    expect(told.sort()).toEqual([
      ['accepted', null, 'Send me offers.'],
      ['suppressed', 'no_consent', null],
    ]);
    // Who is not written to takes no coupon.
    expect(world.rows('SELECT count(*) AS n FROM assignments')).toEqual([{ n: 1 }]);
  });

  test('has one message a customer, by the database itself', async () => {
    const customer = await world.person(ANN);
    const id = await deliver({}, list(ANN));
    const row: Omit<NewMessage, 'id'> = {
      ...{ queue: id, delivery: id, kind: 'coupon', campaign: 'spring', customer, assignment: null, channel: 'email' },
      ...{ addressHash: null, language: 'en', sealed: null, state: 'queued', notBefore: 0, expiresAt: null },
      ...{ reason: null, askedWith: null, queuedAt: 0, endedAt: null },
    };
    const put = (message: string) => world.store.transaction((tx) => tx.putMessage({ id: message, ...row }));
    expect([await put('one'), await put('two')]).toEqual([true, false]);
  });

  test('to all who have a coupon passes over who has redeemed, and makes no new coupons', async () => {
    const [ann, bob] = [await world.person(ANN), await world.person(BOB)];
    for (const customer of [ann, bob])
      await world.distribution.assign({
        campaign: 'spring',
        customer,
        how: 'ahead',
        channel: 'email',
        source: {},
        personal: null,
      });
    await world.agree(ANN, BOB);
    const coupon = (await world.distribution.couponsOf(bob))[0];
    const total = { amount: 9_000, currency: 'USD' };
    const sale = { client: 'shop', basket: 'b1', lane: null, total, customer: null, discount: null, allOrNone: false };
    await world.ledger.redeem({ ...sale, codes: [coupon?.code() ?? ''] });
    await world.office.open();
    const id = await deliver({ kind: 'reminder' }, 'assigned');
    await is(id, { accepted: 1, suppressed: 1 });
    expect(world.mails.map(({ to, subject }) => [to, subject])).toEqual([[ANN, '$5 off ends 31 Dec']]);
    expect((await messages(id)).map(({ reason }) => reason)).toContain('redeemed');
    expect(world.rows('SELECT count(*) AS n FROM assignments')).toEqual([{ n: 2 }]);
  });

  test('of a reminder waits until so many days before the campaign’s end', async () => {
    const customer = await world.person(ANN);
    await world.distribution.assign({
      campaign: 'spring',
      customer,
      how: 'ahead',
      channel: 'email',
      source: {},
      personal: null,
    });
    await world.agree(ANN);
    world.clock.now = Date.parse('2026-12-27T23:59:00Z');
    await world.office.open();
    const id = await deliver({ kind: 'reminder', starts: { daysBefore: 4 } }, 'assigned');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await counts(id)).toEqual({});
    world.clock.now = Date.parse('2026-12-28T00:00:00Z');
    await is(id, { accepted: 1 });
  });

  test('waits over the quiet hours of the person’s own zone', async () => {
    await world.agree(ANN, BOB);
    world.clock.now = Date.parse('2026-06-01T22:00:00Z');
    await world.office.open();
    const people = `email,time_zone\n${ANN},Europe/Berlin\n${BOB},America/New_York\n`;
    const id = await deliver({ quiet: QUIET_HOURS_DEFAULT }, { csv: csv(people) });
    await is(id, { accepted: 1, queued: 1 });
    expect(world.mails.map(({ to }) => to)).toEqual([BOB]);
    const [waiting] = (await world.office.messagesOf(id, 'queued', 0, 1)) ?? [];
    expect(waiting).toMatchObject({
      reason: 'quiet_hours',
      notBefore: Date.parse('2026-06-02T06:00:00Z'),
      attempts: 0,
    });
    world.clock.now = Date.parse('2026-06-02T06:00:00Z');
    await is(id, { accepted: 2 });
  });

  test('with a bad line is sent to nobody, and each bad line is named', async () => {
    const made = await world.office.createDelivery(wanted(), list(ANN, 'bob@', 'еxample@example.com'));
    expect(made).toMatchObject({ ok: false, error: { badList: { count: 2, errors: [{ line: 3 }, { line: 4 }] } } });
    expect(
      world.rows('SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM delivery_chunks) AS n'),
    ).toEqual([{ n: 0 }]);
  });

  test('tells who has no address of its channel, and whose campaign has no coupon left', async () => {
    await world.campaign('small', { cap: { units: 1, value: null } });
    await world.agree(ANN, BOB);
    await world.office.open();
    const people = `customer,email\n7,${ANN}\n8,${BOB}\n9,\n`;
    const id = await deliver({ campaign: 'small' }, { csv: csv(people) });
    await is(id, { accepted: 1, suppressed: 2 });
    expect((await messages(id)).flatMap(({ reason }) => reason ?? []).sort()).toEqual(['no_address', 'none_left']);
  });

  test('can be paused, and gone on with', async () => {
    await world.agree(ANN);
    const id = await deliver({}, list(ANN));
    await world.office.setPaused(id, true);
    await world.office.open();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(world.mails).toEqual([]);
    await world.office.setPaused(id, false);
    await is(id, { accepted: 1 });
  });

  test('begins no message after its stop was answered, also of those that were about to begin', async () => {
    const people = Array.from({ length: 60 }, (_, i) => `p${i}@example.com`);
    await world.agree(...people);
    let stopped = false;
    let late = 0;
    world.provider.mail = async () => {
      if (stopped) late += 1;
      return { is: 'accepted', providerId: null };
    };
    await world.office.open();
    const id = await deliver({}, list(...people));
    await eventually(async () => world.mails.length >= 10);
    await world.office.setPaused(id, true);
    stopped = true;
    const begun = world.mails.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([late, world.mails.length]).toEqual([0, begun]);
    expect((await counts(id)).queued).toBeGreaterThan(0);
    await world.office.setPaused(id, false);
    await is(id, { accepted: people.length });
  });

  test('over a channel that is not set up is refused', async () => {
    const bare = await openPostWorld({ channels: [] });
    await bare.campaign('spring');
    expect(await bare.office.createDelivery(wanted(), list(ANN))).toEqual({ ok: false, error: 'not_set_up' });
    bare.database.close();
  });
});

describe('a message', () => {
  test('is never sent again once it was accepted, also where nobody could note it', async () => {
    await world.agree(ANN);
    // The process ends between the provider's answer and our note of it.
    world.provider.mail = () => new Promise(() => undefined);
    await world.office.open();
    const id = await deliver({}, list(ANN));
    await is(id, { sending: 1 });
    world.provider.mail = async () => ({ is: 'accepted', providerId: null });
    const after = world.openOffice();
    await after.open();
    await is(id, { unknown: 1 });
    expect(world.mails.length).toBe(1);
    expect(await after.resendUnknown(id)).toEqual({ ok: false, error: 'left_alone' });
    await after.close();
  }, 20_000);

  test('whose outcome is unknown is sent again where its delivery wants that, and shows the doubt', async () => {
    await world.agree(ANN);
    world.provider.mail = async () => ({ is: 'unknown', reason: 'smtp_no_answer' });
    await world.office.open();
    const id = await deliver({ onUnknown: 'resend' }, list(ANN));
    await is(id, { unknown: 1 });
    world.provider.mail = async () => ({ is: 'accepted', providerId: null });
    expect(await world.office.resendUnknown(id)).toEqual({ ok: true, value: 1 });
    await is(id, { accepted: 1 });
    expect((await messages(id))[0]).toMatchObject({ state: 'accepted', doubts: 1, attempts: 2 });
    expect(new Set(world.mails.map((mail) => mail.id)).size).toBe(1);
  });

  test('waits, and counts no attempt, while the provider is away', async () => {
    await world.agree(ANN);
    world.provider.mail = async () => ({ is: 'away', reason: 'smtp_no_connection', retryAfterMs: 50 });
    await world.office.open();
    const id = await deliver({}, list(ANN));
    await eventually(async () => world.office.troubleOf('email') !== null);
    expect((await messages(id))[0]).toMatchObject({ state: 'queued', attempts: 0, reason: 'smtp_no_connection' });
    world.clock.now += 60_000;
    world.provider.mail = async () => ({ is: 'accepted', providerId: null });
    await is(id, { accepted: 1 });
    expect(world.office.troubleOf('email')).toBeNull();
  });

  test('that the provider reports as bounced is bounced, and as delivered only while that can be', async () => {
    await world.agree(ANN);
    await world.office.open();
    const id = await deliver({}, list(ANN));
    await is(id, { accepted: 1 });
    const message = world.mails[0]?.id ?? '';
    expect(await world.office.report(message, { is: 'reported', how: 'bounced', reason: 'smtp_550' })).toBe(true);
    expect(await world.office.report(message, { is: 'reported', how: 'delivered', reason: null })).toBe(true);
    expect(await counts(id)).toEqual({ bounced: 1 });
    expect(await world.office.report('nobody', { is: 'reported', how: 'delivered', reason: null })).toBe(false);
  });
});

const READ = { wording: 'By asking you get one code.', at: 1, source: 'web' } as const;

describe('two nodes', () => {
  test('leave each other’s attempts alone, until their time is over', async () => {
    await world.agree(ANN);
    world.provider.mail = () => new Promise(() => undefined);
    await world.office.open();
    const id = await deliver({}, list(ANN));
    await is(id, { sending: 1 });
    const other = world.openOffice('two');
    await other.open();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await counts(id)).toEqual({ sending: 1 });
    world.clock.now += 600_001;
    await is(id, { unknown: 1 });
    await other.close();
  }, 20_000);
});

describe('an old message', () => {
  test('says no longer whose it was; all counts stay', async () => {
    await world.agree(ANN, BOB);
    await world.office.open();
    const id = await deliver({}, list(ANN));
    await eventually(async () => (await world.office.progressOf(id))?.delivery.state === 'done');
    const before = await counts(id);
    const [message] = await messages(id);
    world.clock.now += (PERSONAL_KEPT_DAYS - 1) * 86_400_000;
    const late = await deliver(
      { quiet: QUIET_HOURS_DEFAULT },
      { csv: csv(`email,time_zone\n${BOB},Pacific/Auckland\n`) },
    );
    await eventually(async () => (await messages(late)).length === 1);
    expect((await world.office.message(message?.id ?? ''))?.customer).toBe(message?.customer);
    world.clock.now += 2 * 86_400_000;
    const forgotten = await eventually(async () => {
      const row = await world.office.message(message?.id ?? '');
      return row?.customer === null && row;
    });
    expect(forgotten).toMatchObject({
      assignment: null,
      addressHash: null,
      consent: null,
      providerId: null,
      sealed: null,
    });
    expect(await counts(id)).toEqual(before);
    expect((await messages(late))[0]?.customer).not.toBeNull();
    expect(world.rows('SELECT count(*) AS n FROM consents')).toEqual([{ n: 2 }]);
  }, 20_000);
});

describe('a one-time code', () => {
  const proof = (claim: string, expiresAt: number) =>
    world.postbox.sendProof({
      ...{
        claim,
        campaign: 'spring',
        address: addressOf(PHONE),
        language: 'de',
        proof: '123456',
        expiresAt,
        consent: READ,
      },
    });

  test('goes out before all others, in the person’s language, and is kept nowhere after', async () => {
    await proof('c1', world.clock.now + 600_000);
    await world.office.open();
    await eventually(async () => world.texts.length === 1);
    expect(world.texts[0]).toMatchObject({ to: PHONE, text: '123456 ist Ihr Code für $5 off. Er gilt 10 Minuten.' });
    await eventually(async () => (await world.office.message('proof-c1'))?.state === 'accepted');
    expect(await world.office.message('proof-c1')).toMatchObject({ sealed: null, askedWith: READ });
    expect(await world.office.consents.of(addressOf(PHONE))).toBeNull();
  });

  test('is never sent late', async () => {
    await proof('c1', world.clock.now + 1);
    world.clock.now += 1;
    await world.office.open();
    await eventually(async () => (await world.office.message('proof-c1'))?.reason === 'expired');
    expect(world.texts).toEqual([]);
  });
});

describe('a text to our number', () => {
  let texted = 0;
  const text = (body: string, from = PHONE) => {
    texted += 1;
    return world.office.inbound({ id: `SM${texted}`, from, text: body });
  };
  const answers = (count: number) =>
    eventually(async () => world.texts.length === count && world.texts.map((sms) => sms.text));

  beforeEach(async () => {
    await world.office.setKeyword('spring', 'SPRING');
    await world.office.open();
  });

  test('with a keyword proves the telephone and is answered with the personal link, the same however often', async () => {
    await text('spring');
    await text(' Spring! please');
    const [one, two] = await answers(2);
    expect(one).toBe(two);
    const link = /\/c\/([A-Za-z0-9_-]{22})/.exec(one ?? '')?.[1] ?? '';
    const coupon = await world.distribution.byLink(link);
    expect(coupon).toMatchObject({ how: 'demand', channel: 'sms', source: { keyword: 'SPRING' } });
    const person = await world.distribution.customer(coupon?.customer ?? '');
    expect(person?.identities).toEqual([{ kind: 'phone', value: PHONE, verified: true }]);
  });

  test('told twice is answered once', async () => {
    for (let i = 0; i < 2; i += 1) await world.office.inbound({ id: 'SM0', from: PHONE, text: 'spring' });
    await answers(1);
  });

  test('with an unknown word gets one help answer, not one each', async () => {
    for (const word of ['hello', 'who', 'is', 'this']) await text(word);
    expect(await answers(1)).toEqual([expect.stringContaining('STOP')]);
  });

  test('with STOP ends messages at once, and only START brings them back', async () => {
    await world.agree(PHONE);
    await text('stop');
    const people = { csv: csv(`phone\n${PHONE}\n`) };
    await is(await deliver({ channel: 'sms' }, people), { suppressed: 1 });
    await world.office.consents.give([
      { address: addressOf(PHONE), givenAt: world.clock.now - 1_000, source: 'old list', wording: 'x' },
    ]);
    await is(await deliver({ channel: 'sms' }, { csv: csv(`phone\n${PHONE}\n`) }), { suppressed: 1 });
    world.clock.now += 1;
    await text('START');
    await is(await deliver({ channel: 'sms' }, { csv: csv(`phone\n${PHONE}\n`) }), { accepted: 1 });
  });

  test('from a machine that answers ours is answered ten times in an hour', async () => {
    for (let i = 0; i < 15; i += 1) await text('help', OTHER_PHONE);
    await answers(10);
  });

  test('with a keyword whose campaign has ended says so; another campaign may have it then', async () => {
    await world.campaign('old', { endsAt: '2026-05-01' });
    expect(await world.office.setKeyword('old', 'SPRING')).toEqual({ ok: false, error: 'taken' });
    await world.office.setKeyword('old', 'MAY');
    await text('may');
    expect(await answers(1)).toEqual(['This offer has ended.']);
    expect(await world.office.setKeyword('spring', 'MAY')).toEqual({ ok: true, value: null });
  });
});
