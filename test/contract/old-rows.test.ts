import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import type { Distribution } from '../../cloud/distribution/port.ts';
import { codePlace, createSecrets } from '../../cloud/distribution/secrets.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { hashCode, makeCodes } from '../../protocol/code.ts';

/** What was written when ids were random throughout, and there were more indexes. */

const keys = { fleetKey: Buffer.alloc(32, 1), sealKey: Buffer.alloc(32, 2) };
const SCHEMA = join(import.meta.dirname, '../../cloud/ledger/schema');
const AT = Date.parse('2026-06-01T12:00:00Z');
/** In no order; one looks as if it were made in the far future, one as if before its time. */
const IDS = ['f'.repeat(32), '0'.repeat(32), '9c41d0aa51e96cf6d52a2f0d8e1b7a33'];

test('customers and coupons of before keep their ids, links and codes, and stand beside the new ones', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tearline-old-'));
  try {
    const path = join(folder, 'ledger.db');
    const links = writeOld(path);
    const database = openDatabase(path);
    const distribution = over(database);
    await distribution.open();
    for (const [i, { link, code }] of links.entries()) {
      const coupon = await distribution.byLink(link);
      expect(coupon).toMatchObject({ id: IDS[i], customer: IDS[i] });
      expect(coupon?.code()).toBe(code);
      expect(await assignTo(distribution, `old-${i}`)).toMatchObject({ value: { link, isNew: false } });
    }
    expect(await assignTo(distribution, 'new')).toMatchObject({ value: { isNew: true } });
    const listed: string[] = [];
    for await (const chunk of distribution.couponsOfCampaign('spring'))
      listed.push(...chunk.map(({ number }) => number ?? ''));
    expect(listed).toEqual(['old-0', 'old-1', 'old-2', 'new']);
    expect(await distribution.couponsOf(IDS[0] ?? '')).toHaveLength(1);
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const notAsked = () => Promise.reject(new Error('the ledger is not asked'));

const over = (database: ReturnType<typeof openDatabase>): Distribution =>
  createDistribution({
    ...{ store: sqliteDistributionStore(database), keys, randomBytes, now: () => AT },
    ledger: { voidHash: notAsked, place: notAsked },
    post: { serves: () => false, sendProof: async () => undefined, sendCoupon: async () => undefined },
  });

const assignTo = (distribution: Distribution, number: string) =>
  distribution.assignTo(
    { identities: [{ identity: { kind: 'number', value: number, key: number }, verified: false }], facts: {} },
    { campaign: 'spring', how: 'ahead', channel: 'email', source: {}, personal: null },
  );

/** As the schema was before its indexes were fewer. */
function writeOld(path: string): { readonly link: string; readonly code: string }[] {
  const db = new Sqlite(path);
  const steps = readdirSync(SCHEMA)
    .sort()
    .filter((name) => name < '011');
  for (const step of steps) db.exec(readFileSync(join(SCHEMA, step), 'utf8'));
  db.pragma(`user_version = ${steps.length}`);
  const terms = newCampaignSchema.parse({
    ...{ title: '$5 off', discount: { type: 'amount', amount: 500, currency: 'USD' }, timeZone: 'UTC' },
    ...{ startsAt: '2026-01-01', endsAt: '2026-12-31' },
  });
  const { id, ...body } = campaignOf('spring', 1, terms);
  db.prepare('INSERT INTO campaigns (id, body, face_value) VALUES (?, ?, 500)').run(id, JSON.stringify(body));
  const secrets = createSecrets(keys.sealKey, randomBytes);
  const written = makeCodes(IDS.length, randomBytes).map((code, i) => {
    const id = IDS[i] ?? '';
    const link = secrets.linkOf(id);
    const hash = Buffer.from(hashCode(keys.fleetKey, code), 'hex');
    const known = secrets.hashIdentity({ kind: 'number', key: `old-${i}` });
    db.prepare("INSERT INTO customers (id, language, created_at) VALUES (?, 'en', ?)").run(id, AT);
    db.prepare("INSERT INTO identities (kind, hash, customer, sealed) VALUES ('number', ?, ?, ?)").run(
      Buffer.from(known, 'hex'),
      id,
      secrets.seal(`old-${i}`, `number ${known}`),
    );
    db.prepare("INSERT INTO codes (hash, last_four, campaign, state) VALUES (?, ?, 'spring', 'issued')").run(
      hash,
      code.slice(-4),
    );
    db.prepare(`INSERT INTO assignments (id, campaign, customer, ordinal, code_hash, sealed_code, link_hash, how, channel, source, at)
      VALUES (?, 'spring', ?, 1, ?, ?, ?, 'ahead', 'email', '{}', ?)`).run(
      ...[id, id, hash, secrets.seal(code, codePlace(id)), Buffer.from(secrets.hashLink(link), 'hex'), AT],
    );
    return { link, code };
  });
  db.close();
  return written;
}
