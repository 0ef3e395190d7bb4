import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { smsSignature } from '../../cloud/distribution/post/sms-signature.ts';
import { request } from './calls.ts';
import { freePorts, Process, TEARLINE, tearline, until } from './processes.ts';

/** A delivery to hundreds over both channels: a real cloud, a mail server that is killed in the middle, a provider of texts. */

const SMTP = join(import.meta.dirname, '..', 'contract', 'smtp-process.ts');
const PEOPLE = 300;
const TOKEN = 'provider-token';

let folder: string;
let cloud: Process;
let smtp: Process;
let provider: Server;
let url: string;
let smtpPort: number;
let adminToken: string;
/** What the provider of texts has taken: message by message, and to whom. */
const texts: { id: string; to: string; callback: string; text: string }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tearline-delivery-'));
  const base = await freePorts(4);
  smtpPort = base + 2;
  url = `http://localhost:${base}`;
  smtp = await startSmtp();
  provider = await startProvider(base + 3);
  writeFileSync(join(folder, 'smtp-url'), `smtp://127.0.0.1:${smtpPort}\n`);
  writeFileSync(join(folder, 'sms-token'), TOKEN);
  cloud = await startCloud(base);
  adminToken = (
    await tearline(['cloud', 'token', 'create', '--scope', 'admin', '--name', 'admin', '--data', join(folder, 'cloud')])
  ).stdout.trim();
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  await admin('/v1/campaigns', z.unknown(), {
    ...{ id: 'spring', title: '$5 off', discount: { type: 'amount', amount: 500, currency: 'USD' } },
    ...{ timeZone: 'UTC', startsAt: day(-1), endsAt: day(30) },
  });
});
afterAll(async () => {
  await cloud?.stop();
  await smtp?.stop('SIGKILL');
  provider?.closeAllConnections();
  provider?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function startSmtp(): Promise<Process> {
  const started = new Process(SMTP, [String(smtpPort), join(folder, 'mails.jsonl')]);
  await until('the mail server listens', async () => started.stdout.includes('listening'));
  return started;
}

async function startCloud(base: number): Promise<Process> {
  const started = new Process(TEARLINE, ['cloud', 'serve', '--data', join(folder, 'cloud')], {
    TEARLINE_CLOUD_PORT: String(base),
    TEARLINE_CLOUD_URL: url,
    TEARLINE_BROKER_PORT: String(base + 1),
    TEARLINE_SMTP_URL_FILE: join(folder, 'smtp-url'),
    TEARLINE_MAIL_FROM: 'Coupons <coupons@shop.example>',
    TEARLINE_MAILS_PER_SECOND: '200',
    TEARLINE_SMS_URL: `http://127.0.0.1:${base + 3}`,
    TEARLINE_SMS_ACCOUNT: 'AC1',
    TEARLINE_SMS_TOKEN_FILE: join(folder, 'sms-token'),
    TEARLINE_SMS_FROM: '+12025550100',
    TEARLINE_TEXTS_PER_SECOND: '200',
  });
  await until('the cloud serves', async () => (await fetch(`${url}/readyz`)).ok);
  return started;
}

/** Takes every text; of each twentieth it never says so. */
async function startProvider(port: number): Promise<Server> {
  const server = createServer((asked, answer) => {
    let body = '';
    asked.on('data', (part) => (body += part));
    asked.on('end', () => {
      const form = new URLSearchParams(body);
      const callback = form.get('StatusCallback') ?? '';
      const id = new URL(callback).searchParams.get('message') ?? '';
      texts.push({ id, to: form.get('To') ?? '', callback, text: form.get('Body') ?? '' });
      if (texts.length % 20 === 0) asked.socket.destroy();
      else answer.writeHead(201).end(JSON.stringify({ sid: `SM${texts.length}` }));
    });
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return server;
}

async function admin<T>(path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
  const answer = await request(`${url}${path}`, { token: adminToken, ...(body === undefined ? {} : { body }) });
  if (answer.status >= 300) throw new Error(`${path} answers ${answer.status}: ${answer.text}`);
  return schema.parse(answer.json);
}

async function upload<T>(path: string, schema: z.ZodType<T>, csv: string): Promise<T> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'text/csv' };
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: csv });
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
  return schema.parse(await answer.json());
}

const deliverySchema = z.object({ id: z.string(), state: z.string(), counts: z.record(z.string(), z.int()) });
const messagesSchema = z.object({
  messages: z.array(z.object({ id: z.string(), state: z.string(), doubts: z.int(), customer: z.string() })),
});
const progress = (id: string) => admin(`/v1/deliveries/${id}`, deliverySchema);
const settledCount = ({ counts }: z.infer<typeof deliverySchema>) => (counts.queued ?? 0) + (counts.sending ?? 0);
const messagesOf = async (id: string) => (await admin(`/v1/deliveries/${id}/messages`, messagesSchema)).messages;

const emails = Array.from({ length: PEOPLE }, (_, i) => `p${i}@example.com`);
const phones = Array.from({ length: PEOPLE }, (_, i) => `+1202555${String(i).padStart(4, '0')}`);
const agree = (addresses: readonly string[]) =>
  upload(
    '/v1/consents',
    z.object({ given: z.literal(addresses.length) }),
    `address,given_at,source,wording\n${addresses.map((one) => `${one},2026-01-01T00:00:00Z,form,Yes`).join('\n')}\n`,
  );
const deliver = (channel: string, column: string, addresses: readonly string[], query = '') =>
  upload(
    `/v1/campaigns/spring/deliveries?channel=${channel}&quietHours=none${query}`,
    deliverySchema,
    `${column}\n${addresses.join('\n')}\n`,
  );

type Mail = { readonly to: string; readonly raw: string };
const mailsTaken = (): Mail[] => {
  try {
    return readFileSync(join(folder, 'mails.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => z.object({ to: z.string(), raw: z.string() }).parse(JSON.parse(line)));
  } catch {
    return [];
  }
};
const countBy = (names: readonly string[]) => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
};

describe('a delivery', () => {
  test('whose mail server is killed in the middle loses none, and sends none twice without showing the doubt', async () => {
    await agree(emails);
    const { id } = await deliver('email', 'email', emails, '&onUnknown=resend');
    await until('some are sent', async () => mailsTaken().length > PEOPLE / 4);
    await smtp.stop('SIGKILL');
    await until(
      'it is noticed',
      async () => (await admin(`/v1/deliveries/${id}`, z.object({ trouble: z.unknown() }))).trouble !== null,
    );
    smtp = await startSmtp();
    await until('the rest is sent', async () => settledCount(await progress(id)) === 0);
    // What is in doubt is shown, and goes out again by the delivery's own policy.
    await admin(`/v1/deliveries/${id}/resend`, z.object({ queued: z.int() }), {});
    await until('all is sent', async () => (await progress(id)).counts.accepted === PEOPLE);
    const times = countBy(mailsTaken().map(({ to }) => to));
    expect(emails.filter((to) => !times.has(to))).toEqual([]);
    const doubted = (await messagesOf(id)).filter(({ doubts }) => doubts > 0).length;
    expect([...times.values()].filter((count) => count > 1).length).toBeLessThanOrEqual(doubted);
  });

  test('by text leaves in doubt what the provider took without a word, until the provider’s report ends the doubt', async () => {
    await agree(phones);
    const { id } = await deliver('sms', 'phone', phones);
    await until('all was tried', async () => {
      const now = await progress(id);
      return now.state !== 'queueing' && settledCount(now) === 0;
    });
    expect(countBy(texts.map(({ to }) => to)).size).toBe(PEOPLE);
    expect(texts.length).toBe(PEOPLE);
    expect((await progress(id)).counts).toMatchObject({ accepted: PEOPLE * 0.95, unknown: PEOPLE * 0.05 });
    for (const { callback } of texts) {
      const form = new URLSearchParams({ MessageSid: 'SM1', MessageStatus: 'delivered' });
      const headers = { 'x-twilio-signature': smsSignature(TOKEN, callback, form) };
      expect((await fetch(callback, { method: 'POST', body: form, headers })).status).toBe(204);
    }
    expect((await progress(id)).counts).toMatchObject({ delivered: PEOPLE, unknown: 0 });
  });

  test('goes on where the cloud was killed: nobody is written to twice, and none is forgotten', async () => {
    const before = mailsTaken().length;
    const { id } = await deliver('email', 'email', emails);
    await until('some are sent', async () => mailsTaken().length > before + PEOPLE / 4);
    await cloud.stop('SIGKILL');
    cloud = await startCloud(Number(new URL(url).port));
    await until('the rest is sent', async () => {
      const now = await progress(id);
      return now.state === 'done' && settledCount(now) === 0;
    });
    const { counts } = await progress(id);
    expect((counts.accepted ?? 0) + (counts.unknown ?? 0)).toBe(PEOPLE);
    const times = countBy(
      mailsTaken()
        .slice(before)
        .map(({ to }) => to),
    );
    expect([...times.values()].filter((count) => count > 1)).toEqual([]);
    expect(times.size).toBeGreaterThanOrEqual(counts.accepted ?? 0);
  });

  test('is ended for one person by the link in the mail, also as a mail program does it', async () => {
    const raw = mailsTaken().find(({ to }) => to === 'p0@example.com')?.raw ?? '';
    const link = /^List-Unsubscribe: <([^>]+)>/m.exec(raw.replace(/\r?\n[ \t]+/g, ' '))?.[1] ?? '';
    expect(await (await fetch(link)).text()).toContain('Get no more messages');
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
    expect((await fetch(link, { method: 'POST', body })).status).toBe(200);
    const { id } = await deliver('email', 'email', ['p0@example.com', 'p1@example.com']);
    await until('it is sent', async () => (await progress(id)).counts.accepted === 1);
    expect((await progress(id)).counts).toMatchObject({ accepted: 1, suppressed: 1 });
  });

  test('leaves no address, code or link in the log', async () => {
    expect(cloud.stdout + cloud.stderr).not.toMatch(/example\.com|\+1202555|\/c\/[A-Za-z0-9_-]{22}/);
  });
});
