import { randomBytes } from 'node:crypto';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { type Address, parseAddress } from '../../cloud/distribution/identity.ts';
import type { Outcome } from '../../cloud/distribution/post/message-rules.ts';
import { createPostOffice } from '../../cloud/distribution/post/post-office.ts';
import { Postbox } from '../../cloud/distribution/post/postbox.ts';
import type { Mail, Mailer, Sms, SmsSender } from '../../cloud/distribution/post/providers.ts';
import { sqlitePostStore } from '../../cloud/distribution/post/sqlite-post-store.ts';
import type { PostChannel } from '../../cloud/distribution/post/store.ts';
import { createSecrets } from '../../cloud/distribution/secrets.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import type { Trace } from '../../cloud/distribution/traces.ts';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { createLedger } from '../../cloud/ledger/ledger.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import { type LogLine, recordingLog } from './cloud-doors.ts';

/** Messages over the real ledger, distribution and database, with providers that a test plays itself. */

const keys = {
  ...{ fleetKey: Buffer.alloc(32, 1), sealKey: Buffer.alloc(32, 2) },
  publicKey: { id: 'cloudkey', publicKey: 'x' },
};
export const PUBLIC_URL = 'https://coupons.example';
const accept = async (): Promise<Outcome> => ({ is: 'accepted', providerId: null });

export type PostWorld = Awaited<ReturnType<typeof openPostWorld>>;

export async function openPostWorld({ channels = ['email', 'sms'] }: { channels?: PostChannel[] } = {}) {
  const clock = { now: Date.parse('2026-06-01T12:00:00Z') };
  const now = () => clock.now;
  const database = openDatabase(':memory:');
  const ledger = await createLedger({
    store: sqliteLedgerStore(database),
    ...{ keys, now, randomBytes, outgoing: { wake: () => undefined } },
    ...{ stockMax: { units: 500, value: 500_000 }, places: sqlitePlacesStore(database), faceUrl: (link) => link },
  });
  const secrets = createSecrets(keys.sealKey, randomBytes);
  const store = sqlitePostStore(database);
  const set = new Set(channels);
  const postbox = new Postbox({ store, secrets, channels: set, now });
  const distribution = createDistribution({
    ...{ store: sqliteDistributionStore(database), ledger, keys, randomBytes, now, post: postbox },
  });
  const mails: Mail[] = [];
  const texts: Sms[] = [];
  const traces: Trace[] = [];
  const lines: LogLine[] = [];
  const provider = {
    mail: accept as (mail: Mail) => Promise<Outcome>,
    sms: accept as (sms: Sms) => Promise<Outcome>,
  };
  const mailer: Mailer = {
    send(mail) {
      mails.push(mail);
      return provider.mail(mail);
    },
    close: () => undefined,
  };
  const sender: SmsSender = {
    send(sms) {
      texts.push(sms);
      return provider.sms(sms);
    },
  };
  const openOffice = (node = 'one') =>
    createPostOffice({
      node,
      ...{ store, secrets, distribution, postbox, channels: set, country: 'US', now, log: recordingLog(lines) },
      mail: set.has('email') ? { perSecond: 1_000, mailer } : null,
      sms: set.has('sms') ? { perSecond: 1_000, sender } : null,
      publicUrl: () => PUBLIC_URL,
      noteTrace: (trace) => traces.push(trace),
      newId: () => randomBytes(16).toString('hex'),
    });
  return {
    ...{ clock, database, ledger, secrets, store, postbox, distribution, mails, texts, traces, lines, provider },
    office: openOffice(),
    openOffice,
    async campaign(id: string, own: Record<string, unknown> = {}): Promise<void> {
      const terms = newCampaignSchema.parse({
        title: '$5 off',
        discount: { type: 'amount', amount: 500, currency: 'USD' },
        ...{ timeZone: 'UTC', startsAt: '2026-01-01', endsAt: '2026-12-31', ...own },
      });
      await ledger.createCampaign(campaignOf(id, 1, terms));
    },
    async agree(...addresses: string[]): Promise<void> {
      const consent = { givenAt: clock.now - 1, source: 'form', wording: 'Send me offers.' };
      await this.office.consents.give(addresses.map((text) => ({ address: addressOf(text), ...consent })));
    },
    async person(...addresses: string[]): Promise<string> {
      const [first, ...others] = addresses.map((text) => ({ identity: addressOf(text), verified: true }));
      if (first === undefined) throw new Error('nobody');
      return distribution.person([first, ...others], {});
    },
    rows: (sql: string) => database.raw.prepare(sql).all(),
  };
}

export function addressOf(text: string): Address {
  const read = parseAddress(text, null);
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

export async function* csv(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Polls: the office works by itself. */
export async function eventually<T>(ask: () => Promise<T | false>): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (answer !== false) return answer;
    if (performance.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
