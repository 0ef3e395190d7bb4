import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createToken as createCloudToken } from '../../cloud/doors/tokens.ts';
import { createToken as createBoxToken } from '../../gateway/doors/tokens.ts';
import type { Children } from './children.ts';
import { CloudApi, soon } from './cloud-api.ts';
import type { Demo } from './demo.ts';

/** The demo's campaign, codes, stores and boxes. Every step may have been done by a start that was cut short. */

const STORES = [
  { id: '0001', name: 'Main Street', timeZone: 'America/New_York', address: '1 Main Street' },
  { id: '0002', name: 'Mill Lane', timeZone: 'America/Chicago', address: '2 Mill Lane' },
] as const;
const CODES = 20;
const DAY_MS = 86_400_000;

export type Ports = {
  readonly cloud: number;
  readonly gateways: readonly [number, number];
  readonly broker: number;
  readonly phone: number;
  readonly smtp: number;
};

export function portsFrom(base: number | null): Ports {
  if (base === null) return { cloud: 8080, gateways: [8090, 8091], broker: 1883, phone: 8092, smtp: 2525 };
  return { cloud: base, gateways: [base + 1, base + 2], broker: base + 3, phone: base + 4, smtp: base + 5 };
}

type Seed = Pick<Demo, 'adminToken' | 'cartToken' | 'deskToken' | 'campaign' | 'codes'>;

export async function seedCampaign(data: string, cloud: string): Promise<Seed> {
  const { adminToken, cartToken, deskToken } = await cloudTokens(join(data, 'cloud'));
  const api = new CloudApi(cloud, adminToken);
  await api.ready();
  const campaign = 'spring';
  await api.post('/v1/campaigns', spring(campaign), z.unknown(), null);
  await api.post(`/v1/campaigns/${campaign}/keyword`, { keyword: 'SPRING' }, z.unknown());
  await api.post('/v1/campaigns', thanks, z.unknown(), null);
  const stack = await api.post(`/v1/campaigns/${campaign}/stacks`, { count: CODES }, z.object({ id: z.string() }));
  const [, ...codes] = (await api.text(`/v1/stacks/${stack.id}/codes.csv`)).trim().split(/\r?\n/);
  return { adminToken, cartToken, deskToken, campaign, codes: codes.map((line) => line.split(',')[0] ?? '') };
}

/** As `tearline cloud token create` makes them, beside the cloud that runs. */
async function cloudTokens(directory: string) {
  // Only a first start needs it.
  const { openData } = await import('../../cloud/main.ts');
  const data = openData(directory);
  if (!data.ok) throw new Error(data.error.line);
  const { tokens, database } = data.value;
  const now = Date.now();
  try {
    return {
      adminToken: await createCloudToken(tokens, { scope: 'admin', name: 'demo-admin' }, now),
      cartToken: await createCloudToken(tokens, { scope: 'cart', name: 'demo-shop' }, now),
      deskToken: await createCloudToken(tokens, { scope: 'desk', name: 'demo-desk' }, now),
    };
  } finally {
    database.close();
  }
}

/** Printed on receipts: each store holds some ahead, so that it issues them with its line cut too. */
const thanks = {
  id: 'thanks',
  title: '$2 off your next visit',
  discount: { type: 'amount', amount: 200, currency: 'USD' },
  timeZone: 'America/New_York',
  ...validity(),
  cap: { units: 10_000 },
  blanks: { perStore: 20 },
};

function spring(id: string) {
  return {
    id,
    title: '$5 off',
    condition: 'From $25',
    discount: { type: 'amount', amount: 500, currency: 'USD' },
    promotionRef: 'PLU-7781',
    timeZone: 'America/New_York',
    ...validity(),
    minimumBasket: { amount: 2500, currency: 'USD' },
    cap: { units: 10_000, value: 5_000_000 },
  };
}

function validity() {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  return { startsAt: day(Date.now() - DAY_MS), endsAt: day(Date.now() + 365 * DAY_MS) };
}

export type Box = {
  readonly store: string;
  readonly port: number;
  readonly dataDir: string;
  readonly registerToken: string;
  readonly boxToken: string;
};

export function prepareStores(
  data: string,
  api: CloudApi,
  ports: Ports,
  known: Demo['gateways'],
  children: Children,
): Promise<Box[]> {
  return Promise.all(
    STORES.map(async (store, i) => {
      const dataDir = join(data, `store-${store.id}`);
      const port = ports.gateways[i === 0 ? 0 : 1];
      await api.post('/v1/stores', store, z.unknown(), null);
      if (!existsSync(join(dataDir, 'identity.json'))) {
        const { code } = await api.post(`/v1/stores/${store.id}/enrolments`, {}, z.object({ code: z.string() }));
        await children.run([
          'gateway',
          'enrol',
          '--cloud',
          `http://localhost:${ports.cloud}`,
          '--code',
          code,
          '--data',
          dataDir,
        ]);
      }
      const before = known.find((box) => box.store === store.id);
      const token = (scope: 'register' | 'box') => createBoxToken(dataDir, { scope, name: `demo-${scope}` });
      const registerToken = before?.registerToken ?? token('register');
      const boxToken = before?.boxToken ?? token('box');
      return { store: store.id, port, dataDir, registerToken, boxToken };
    }),
  );
}

/** Codes 1 and 2 wait in the stores; the rest is free for whoever scans first. */
export async function stockFirstCodes(api: CloudApi, { codes, gateways }: Demo): Promise<void> {
  await connected(api, gateways.length);
  for (const [i, { store }] of gateways.entries()) {
    const answer = await api.post(
      `/v1/stores/${store}/stock`,
      { codes: codes.slice(i, i + 1) },
      z.object({ granted: z.int() }),
    );
    if (answer.granted !== 1) throw new Error(`the store ${store} could not be stocked: ${JSON.stringify(answer)}`);
  }
}

async function connected(api: CloudApi, count: number): Promise<void> {
  const list = z.object({ gateways: z.array(z.object({ connected: z.boolean() })) });
  await soon(async () => {
    const { gateways } = await api.get('/v1/gateways', list);
    if (gateways.filter((gateway) => gateway.connected).length < count)
      throw new Error('the gateways do not reach the cloud; their logs say why');
  });
}
