import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createTransport } from 'nodemailer';
import { parseEmail } from '../../cloud/distribution/identity.ts';
import { createPostOffice, type PostOffice } from '../../cloud/distribution/post/post-office.ts';
import { Postbox } from '../../cloud/distribution/post/postbox.ts';
import { smtpMailer } from '../../cloud/distribution/post/smtp-mailer.ts';
import { sqlitePostStore } from '../../cloud/distribution/post/sqlite-post-store.ts';
import { createSecrets } from '../../cloud/distribution/secrets.ts';
import { startServer } from './child.ts';
import { NO_POST, openDistribution } from './distribution-room.ts';
import { type Bench, type Figure, rateFigure } from './figure.ts';
import { timed } from './measure.ts';

const FROM = 'Coupons <coupons@shop.example>';
/** The office's own number of attempts at once. */
const CONNECTIONS = 20;
/** No rate of a provider's: what is measured is ours. */
const UNPACED = 1_000_000;
/** Counting a hundred thousand takes seven milliseconds of the same thread: often asked, it would be most of what is measured. */
const LOOK_MS = 500;
const CONSENTS_PER_CALL = 1_000;
/** A mail of ours is a coupon, a QR code, some ten rows and a commit before it and after it. */
const SHARE_MIN = 0.05;

/** One delivery of a list in one piece, from its upload to the last mail; bare: the same bytes as often, by nodemailer alone. */
export async function delivery(bench: Bench): Promise<Figure[]> {
  const people = bench.isQuick ? 1_000 : 100_000;
  const first = join(bench.directory, 'first.eml');
  const port = await startServer(bench, new URL('bare/mail-server.ts', import.meta.url), [first]);
  const office = await openOffice(bench, port);
  bench.say(`${people} who have agreed`);
  await agree(office, people);
  const { result, probe } = await bench.disk.around(async () => {
    const ours = await deliver(office, people);
    const bareMs = await timed(() => sendBare(port, readFileSync(first), people));
    return { ...ours, bareMs };
  });
  const title = `mails of one delivery of ${people}, by ${CONNECTIONS} connections; bare: the same bytes by nodemailer`;
  const rates = { ours: [(people * 1000) / result.sentMs], bare: [(people * 1000) / result.bareMs] };
  return [rateFigure({ name: 'delivery', title, probe, notes: result.notes }, people, rates, SHARE_MIN)];
}

async function openOffice(bench: Bench, port: number): Promise<{ office: PostOffice; campaign: string }> {
  const { database, distribution, keys, campaign, close } = await openDistribution(
    join(bench.directory, 'ledger.sqlite'),
    NO_POST,
  );
  bench.atEnd(close);
  const store = sqlitePostStore(database);
  const secrets = createSecrets(keys.sealKey, randomBytes);
  const channels = new Set(['email' as const]);
  const log = { info: () => undefined, warn: () => undefined, error: console.error };
  const office = createPostOffice({
    node: 'bench',
    ...{ store, secrets, distribution, channels, log, now: Date.now, country: null, sms: null },
    postbox: new Postbox({ store, secrets, channels, now: Date.now }),
    mail: { mailer: smtpMailer({ url: `smtp://127.0.0.1:${port}`, from: FROM }), perSecond: UNPACED },
    publicUrl: () => 'https://coupons.example',
    noteTrace: () => undefined,
    newId: () => randomBytes(16).toString('hex'),
  });
  await office.open();
  bench.atEnd(() => office.close());
  return { office, campaign };
}

const addressOf = (n: number): string => `c${n}@example.com`;

async function agree({ office }: { office: PostOffice }, people: number): Promise<void> {
  for (let at = 0; at < people; at += CONSENTS_PER_CALL)
    await office.consents.give(
      Array.from({ length: Math.min(CONSENTS_PER_CALL, people - at) }, (_, i) => {
        const address = parseEmail(addressOf(at + i));
        if (!address.ok) throw new Error(address.error);
        return { address: address.value, givenAt: 0, source: 'form', wording: 'Send me offers.' };
      }),
    );
}

async function deliver({ office, campaign }: { office: PostOffice; campaign: string }, people: number) {
  const list = Buffer.from(`email\n${Array.from({ length: people }, (_, n) => addressOf(n)).join('\n')}\n`);
  const notes: string[] = [];
  const about = { kind: 'coupon', channel: 'email', subject: null, text: null, onUnknown: 'leave' } as const;
  const startedAt = performance.now();
  const id = await phase('taken in', notes, async () => {
    const made = await office.createDelivery(
      { campaign, ...about, quiet: null, starts: { at: 0 } },
      {
        csv: (async function* () {
          yield list;
        })(),
      },
    );
    if (!made.ok) throw new Error('the delivery was refused');
    return made.value.id;
  });
  await phase('queued, the first being sent', notes, () =>
    until(office, id, ({ delivery }) => delivery.state !== 'queueing'),
  );
  await phase('sent', notes, () => until(office, id, ({ counts }) => counts.accepted === people));
  const sentMs = performance.now() - startedAt;
  notes.push(`memory at the end: ${Math.round(process.memoryUsage().rss / 1024 ** 2)} MB`);
  return { sentMs, notes };
}

/** How long it took, and how long nothing else had its turn. */
async function phase<T>(name: string, notes: string[], work: () => Promise<T>): Promise<T> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  delay.disable();
  const ms = (nanoseconds: number) => Math.round(nanoseconds / 1e6);
  notes.push(
    `${name}: ${seconds.toFixed(1)} s; others waited at most ${ms(delay.max)} ms, p99 ${ms(delay.percentile(99))} ms`,
  );
  return result;
}

type Progress = NonNullable<Awaited<ReturnType<PostOffice['progressOf']>>>;

async function until(office: PostOffice, id: string, isSo: (progress: Progress) => boolean): Promise<void> {
  for (;;) {
    const progress = await office.progressOf(id);
    if (progress !== null && isSo(progress)) return;
    await new Promise((over) => setTimeout(over, LOOK_MS));
  }
}

async function sendBare(port: number, raw: Buffer, people: number): Promise<void> {
  const transport = createTransport({
    host: '127.0.0.1',
    port,
    pool: true,
    maxConnections: CONNECTIONS,
    ignoreTLS: true,
  });
  let begun = 0;
  const sender = async () => {
    while (begun < people) {
      begun += 1;
      await transport.sendMail({ envelope: { from: 'coupons@shop.example', to: addressOf(begun) }, raw });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  transport.close();
}
