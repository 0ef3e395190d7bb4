import type { CouponTerms } from '../../cloud/distribution/coupon-terms.ts';
import { createFaces } from '../../cloud/distribution/faces.ts';
import type { ClaimRefusal, ClaimRequest, Coupon, PlaceChosen } from '../../cloud/distribution/port.ts';
import type { Trace } from '../../cloud/distribution/traces.ts';
import { claimDoor } from '../../cloud/doors/claim-door.ts';
import { faceDoor } from '../../cloud/doors/face-door.ts';
import { createFailures } from '../../cloud/doors/failures.ts';
import { createApp } from '../../cloud/doors/http.ts';
import { loadPageAssets } from '../../cloud/doors/page-assets.ts';
import { listen } from '../../cloud/doors/server.ts';
import { createStreams } from '../../cloud/doors/streams.ts';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import type { Campaign, Standing, Store } from '../../cloud/ledger/port.ts';
import { type CodeHash, parseCodeHash } from '../../protocol/code.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { type LogLine, recordingLog } from '../contract/cloud-doors.ts';

/** The pages for customers on a free port, over one coupon of which a test says where it stands. */

export const CODE = '7KQ29MXD4TRB8WNS';
export const LINK = 'A'.repeat(22);
export const NEW_LINK = `${'B'.repeat(21)}A`;
export const PROOF = '123456';

const hash = parseCodeHash('7'.repeat(64)) as CodeHash;
/** Monday, 23 November 2026, 10:02 in New York. */
export const NOW = Date.UTC(2026, 10, 23, 15, 2);

export const FREE: Standing = { state: 'issued', personal: null, hold: null, reservation: null, redemption: null };

const STORES: readonly Store[] = [
  { id: '0001', name: 'Main Street', timeZone: 'America/New_York', address: '1 Main Street, Springfield' },
  { id: '0002', name: 'Mill Lane', timeZone: 'America/Chicago', address: '2 Mill Lane, Millford' },
];

export type FaceWorld = {
  clock: { now: number };
  standing: Standing;
  terms: CouponTerms;
  person: { name: string | null; language: string; timeZone: string | null } | null;
  stores: readonly Store[];
  replacedBy: string | null;
  /** What the stores say to a wish. */
  placed: PlaceChosen;
  asked: (string | null)[];
  code: string;
  left: number | null;
  claims: ClaimRequest[];
  refusal: ClaimRefusal | null;
  proofs: string[];
  traces: Trace[];
  lines: LogLine[];
};

export type FaceServer = {
  readonly url: string;
  readonly world: FaceWorld;
  /** The code moved, or the campaign was changed. */
  tell(): void;
  /** Every open stream ends, as at a stop of the cloud. */
  cut(): void;
  /** As the metrics have them. */
  readonly routes: string[];
  stop(): Promise<void>;
};

export async function startFaceServer(): Promise<FaceServer> {
  const world = newWorld();
  const routes: string[] = [];
  const now = () => world.clock.now;
  const watchers = new Set<() => void>();
  const log = recordingLog(world.lines);
  const watch = (_what: unknown, changed: () => void) => {
    watchers.add(changed);
    return () => void watchers.delete(changed);
  };
  const coupon = (): Coupon => ({ ...row(world), link: LINK, code: () => world.code });
  const customer = async () =>
    world.person === null ? null : { id: 'c1', homeStore: null, identities: [], ...world.person };
  const faces = createFaces({
    distribution: {
      byLink: async (link) => (link === LINK || link === NEW_LINK ? coupon() : null),
      coupon: async () => ({ ...coupon(), link: NEW_LINK }),
      customer,
      async choosePlace(_assignment, store) {
        world.asked.push(store);
        return world.placed;
      },
    },
    ledger: {
      standing: async () => world.standing,
      campaign: async () => springOf(world),
      stores: async () => [...world.stores],
      ...{ watchCode: watch, watchCampaign: watch },
    },
    now,
  });
  const assets = loadPageAssets();
  const streams = createStreams(now, log);
  const failures = createFailures(now);
  const shop = { retailer: 'Northgate Market', contact: '555 0142', url: 'https://northgate.example/' };
  const common = { note: (trace: Trace) => void world.traces.push(trace), failures, shop, asset: assets.path, now };
  const endpoints = [
    ...assets.endpoints,
    ...faceDoor({ ...common, faces, streams }),
    ...claimDoor({ ...common, ...claimPorts(world), country: 'US', url: 'https://coupons.example' }),
  ];
  const tokens = { add: async () => undefined, find: async () => null, revoke: async () => 0 };
  const app = createApp(endpoints, {
    tokens,
    failures,
    isProxy: () => false,
    publicHost: 'localhost',
    log,
    observe: ({ route }) => routes.push(route),
  });
  const listening = await listen(app, '127.0.0.1', 0, null);
  return {
    url: `http://127.0.0.1:${listening.port}`,
    world,
    routes,
    tell() {
      for (const changed of [...watchers]) changed();
    },
    cut: () => streams.close(),
    async stop() {
      streams.close();
      await listening.close();
    },
  };
}

function claimPorts(world: FaceWorld) {
  const refused = (): Result<never, ClaimRefusal> | null => (world.refusal === null ? null : err(world.refusal));
  return {
    ledger: { campaign: async (id: string) => (id === 'spring' ? springOf(world) : null) },
    distribution: {
      left: async () => world.left,
      claim: async (request: ClaimRequest) => {
        world.claims.push(request);
        return refused() ?? ok({ claim: 'c'.repeat(32), expiresAt: world.clock.now + 600_000 });
      },
      prove: async (_claim: string, proof: string) => {
        world.proofs.push(proof);
        const refusal = refused();
        if (proof === PROOF && refusal !== null) return refusal;
        return proof === PROOF ? ok({ assignment: 'a1', link: LINK, isNew: true }) : err('not_proved' as const);
      },
    },
  };
}

function newWorld(): FaceWorld {
  return {
    clock: { now: NOW },
    standing: FREE,
    terms: {
      card: {
        version: 1,
        offer: {
          campaign: 'spring',
          title: '$5 off',
          discount: { type: 'amount', amount: 500, currency: 'USD' },
          promotionRef: null,
        },
        channels: ['store', 'online'],
        timeZone: 'America/New_York',
        startsAt: '2026-11-01',
        endsAt: '2026-11-30',
        stores: 'all',
        minimumBasket: { amount: 2500, currency: 'USD' },
        onSilence: 'hold',
      },
      condition: null,
      terms: 'Not for gift cards, postage or medicines.',
      picture: null,
      barcode: 'qr',
      changedAt: null,
    },
    person: { name: 'Ada Okafor', language: 'en', timeZone: null },
    stores: STORES,
    replacedBy: null,
    placed: 'stocked',
    asked: [],
    code: CODE,
    left: null,
    claims: [],
    refusal: null,
    proofs: [],
    traces: [],
    lines: [],
  };
}

const row = ({ replacedBy }: FaceWorld): Omit<Coupon, 'link' | 'code'> => ({
  ...{ seq: 1, id: 'a1', campaign: 'spring', customer: 'c1', ordinal: 1, codeHash: hash },
  ...{ sealedCode: new Uint8Array(), linkHash: '', how: 'demand', channel: 'web', source: { utm_source: 'poster' } },
  ...{ at: NOW - 86_400_000, replacedBy, untold: false },
});

const TERMS = newCampaignSchema.parse({
  ...{ title: '$5 off', discount: { type: 'amount', amount: 500, currency: 'USD' }, timeZone: 'UTC' },
  ...{ startsAt: '2026-11-01', endsAt: '2026-11-30' },
});

const springOf = ({ terms }: FaceWorld): Campaign => ({
  ...campaignOf('spring', 1, TERMS),
  ...{ ...terms, changedAt: terms.changedAt ?? 0, issuedUnits: 0, issuedValue: 0 },
});
