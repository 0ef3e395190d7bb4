import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { POINTS } from '../crash/points.ts';
import { Refused, type Request, request } from './calls.ts';
import { freePorts, Process, tearline, until } from './processes.ts';
import { patiently } from './traffic.ts';

/**
 * The cloud is killed at each crash point of a delivery and started again: nobody whose mail the server has taken is
 * written to again, nobody is forgotten, and what nobody knows is shown. The mail server lives, and knows what it took.
 */
const IS_FULL = process.env.TEARLINE_CRASH_FULL === '1';
const PLAYED = POINTS.filter((point) => /^cloud (post|mailer) /.test(point));
/** A delivery's way: made, its list kept, queued, its messages claimed, their outcomes noted. */
const HITS = IS_FULL ? [1, 2, 3, 5, 8, 13] : [6];
const PEOPLE = 20;

const entry = (name: string) => join(import.meta.dirname, '..', name);
let folder: string;
let port: number;
let url: string;
let token: string;
let smtp: Process;
let cloud: Process;
let runs = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tearline-post-crash-'));
  port = await freePorts(3);
  url = `http://localhost:${port}`;
  smtp = new Process(entry('contract/smtp-process.ts'), [String(port + 2), join(folder, 'mails.jsonl')]);
  await until('the mail server listens', async () => smtp.stdout.includes('listening'));
  writeFileSync(join(folder, 'smtp-url'), `smtp://127.0.0.1:${port + 2}\n`);
  writeFileSync(join(folder, 'mails.jsonl'), '');
  cloud = start({});
  await serves();
  const made = ['cloud', 'token', 'create', '--scope', 'admin', '--name', 'admin', '--data', join(folder, 'cloud')];
  token = (await tearline(made)).stdout.trim();
});
afterAll(async () => {
  await cloud?.stop();
  await smtp?.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const start = (crash: Readonly<Record<string, string>>): Process =>
  new Process(entry('crash/cloud.ts'), [join(folder, 'cloud')], {
    TEARLINE_CLOUD_PORT: String(port),
    TEARLINE_CLOUD_URL: url,
    TEARLINE_BROKER_PORT: String(port + 1),
    TEARLINE_SMTP_URL_FILE: join(folder, 'smtp-url'),
    TEARLINE_MAIL_FROM: 'Coupons <coupons@shop.example>',
    TEARLINE_MAILS_PER_SECOND: '200',
    ...crash,
  });
const serves = () =>
  until('the cloud serves', async () => cloud.hasEnded || (await request(`${url}/readyz`)).status === 200);

async function admin<T>(path: string, schema: z.ZodType<T>, asked: Request = {}): Promise<T> {
  const answer = await request(`${url}${path}`, { token, ...asked });
  if (answer.status >= 300) throw new Refused(path, answer);
  return schema.parse(answer.json);
}
const upload = (path: string, body: string) =>
  admin(path, z.unknown(), { body, headers: { 'content-type': 'text/csv' } });

const deliverySchema = z.object({ id: z.string(), state: z.string() });
const progressSchema = z.object({ state: z.string(), counts: z.record(z.string(), z.int()) });

test.each(PLAYED)('killed at %s', { timeout: HITS.length * 60_000 }, async (point) => {
  for (const hit of HITS) {
    const { hasDied, counts, twice, mailed } = await play(point, hit);
    if (hit === HITS[0]) expect(hasDied, `${point}, ${hit}`).toBe(true);
    if (!hasDied) break;
    const { accepted = 0, unknown = 0, queued = 0, sending = 0 } = counts;
    expect({ point, hit, twice, left: queued + sending }).toEqual({ point, hit, twice: [], left: 0 });
    expect(accepted + unknown).toBe(PEOPLE);
    // Noted as accepted: the server has it. Whatever else it has is shown as unknown.
    expect(mailed).toBeGreaterThanOrEqual(accepted);
    expect(mailed).toBeLessThanOrEqual(accepted + unknown);
  }
});

async function play(point: string, hit: number) {
  runs += 1;
  const campaign = `run-${runs}`;
  const people = Array.from({ length: PEOPLE }, (_, i) => `${campaign}-${i}@example.com`);
  await admin('/v1/campaigns', z.unknown(), { body: campaignNamed(campaign) });
  const given = people.map((one) => `${one},2026-01-01T00:00:00Z,form,Yes`).join('\n');
  await upload('/v1/consents', `address,given_at,source,wording\n${given}\n`);
  await cloud.stop('SIGKILL');
  const doomed = start({ CRASH_POINT: point, CRASH_HIT: String(hit) });
  cloud = doomed;
  const again = doomed.ended().then(async () => {
    if (cloud === doomed) cloud = start({});
  });
  await serves();
  const id = await made(campaign, people);
  const { counts } = await until('all is dealt with', async () => {
    const now = await admin(`/v1/deliveries/${id}`, progressSchema);
    return now.state === 'done' && now;
  });
  const hasDied = doomed.hasEnded;
  if (hasDied) await again;
  const times = new Map(people.map((one) => [one, 0]));
  for (const to of mailsTaken()) if (times.has(to)) times.set(to, (times.get(to) ?? 0) + 1);
  return {
    ...{ hasDied: hasDied && doomed.stderr.includes(`crashed at ${point}\n`), counts },
    twice: [...times].filter(([, count]) => count > 1).map(([to]) => to),
    mailed: [...times.values()].filter((count) => count > 0).length,
  };
}

/** Whoever got no answer looks whether it was made before asking again. */
function made(campaign: string, people: readonly string[]): Promise<string> {
  return patiently(async () => {
    const path = `/v1/campaigns/${campaign}/deliveries`;
    const { deliveries } = await admin(path, z.object({ deliveries: z.array(deliverySchema) }));
    const before = deliveries.find(({ state }) => state !== 'listing');
    if (before !== undefined) return before.id;
    await upload(`${path}?channel=email&quietHours=none`, `email\n${people.join('\n')}\n`);
    const after = await admin(path, z.object({ deliveries: z.array(deliverySchema) }));
    return after.deliveries[0]?.id ?? '';
  });
}

function campaignNamed(id: string) {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const discount = { type: 'amount', amount: 500, currency: 'USD' };
  return { id, title: '$5 off', discount, timeZone: 'UTC', startsAt: day(-1), endsAt: day(30) };
}

const mailsTaken = (): string[] =>
  readFileSync(join(folder, 'mails.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => z.object({ to: z.string() }).parse(JSON.parse(line)).to);
