import { createFailures } from '../../cloud/doors/failures.ts';
import { deliveryDoor } from '../../cloud/doors/delivery-door.ts';
import { deliveryPageDoor, deliveryPagePath } from '../../cloud/doors/delivery-page-door.ts';
import { createApp } from '../../cloud/doors/http.ts';
import { loadPageAssets } from '../../cloud/doors/page-assets.ts';
import { listen } from '../../cloud/doors/server.ts';
import { sqliteTokenStore } from '../../cloud/doors/sqlite-door-stores.ts';
import { createToken } from '../../cloud/doors/tokens.ts';
import type { Progress } from '../../cloud/distribution/post/deliveries.ts';
import type { Trouble } from '../../cloud/distribution/post/dispatcher.ts';
import type { DeliveryRow } from '../../cloud/distribution/post/store.ts';
import { csv, openPostWorld } from '../contract/post-world.ts';

export type Shown = Pick<Progress, 'reasons' | 'acceptedPerSecond' | 'remainingSeconds'> & {
  readonly counts: Readonly<Record<string, number>>;
  readonly delivery: Partial<DeliveryRow>;
  readonly trouble: Trouble;
  /** That the page says of it. */
  readonly word: string;
};

export type DeliveryServer = Awaited<ReturnType<typeof startDeliveryServer>>;

/** A delivery of one that waits, behind the real doors, and figures of a hundred thousand to be shown in its place. */
export async function startDeliveryServer() {
  const world = await openPostWorld();
  await world.campaign('spring', { title: '$5 off' });
  const { office, clock } = world;
  const made = await office.createDelivery(
    {
      ...{ campaign: 'spring', kind: 'coupon', channel: 'email', subject: 'Five dollars for spring', text: null },
      ...{ quiet: { fromMinute: 1_260, toMinute: 480 }, onUnknown: 'leave', starts: { at: 0 } },
    },
    { csv: csv('email\nann@example.com\n') },
  );
  if (!made.ok) throw new Error('the delivery was refused');
  const { id } = made.value;
  const control: { shown: Shown | null } = { shown: states(clock.now).sending };
  const tokens = sqliteTokenStore(world.database);
  const assets = loadPageAssets();
  const shown: Pick<typeof office, 'progressOf' | 'troubleOf'> = {
    async progressOf(asked) {
      const real = await office.progressOf(asked);
      if (real === null || control.shown === null) return real;
      return { ...real, ...control.shown, delivery: { ...real.delivery, state: 'running', ...control.shown.delivery } };
    },
    troubleOf: () => control.shown?.trouble ?? null,
  };
  const now = () => clock.now;
  const endpoints = [
    ...deliveryDoor({ postOffice: office, publicUrl: () => 'http://localhost', now }),
    ...deliveryPageDoor({
      ...{ postOffice: shown, ledger: world.ledger, asset: assets.path, now },
      shop: { retailer: 'Northgate Market', contact: null, url: null },
    }),
    ...assets.endpoints,
  ];
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const plumbing = {
    ...{ tokens, failures: createFailures(now), isProxy: () => false, publicHost: 'localhost', log },
    observe: () => undefined,
  };
  const listening = await listen(createApp(endpoints, plumbing), '127.0.0.1', 0, null);
  let isOpen = true;
  return Object.assign(control, {
    page: `http://127.0.0.1:${listening.port}${deliveryPagePath(id)}`,
    states: states(clock.now),
    adminToken: await createToken(tokens, { scope: 'admin', name: 'Jo' }, clock.now),
    cartToken: await createToken(tokens, { scope: 'cart', name: 'shop' }, clock.now),
    pausedAt: async () => (await office.progressOf(id))?.delivery.pausedAt ?? null,
    async stop() {
      if (!isOpen) return;
      isOpen = false;
      await listening.close();
      world.database.close();
    },
  });
}

/** A hundred thousand on their way. */
function states(now: number) {
  const calm = { reasons: [], acceptedPerSecond: 66, remainingSeconds: 757, delivery: {}, trouble: null };
  const still = { ...calm, acceptedPerSecond: 0, remainingSeconds: null };
  const quiet = { state: 'queued', reason: 'quiet_hours', messages: 8_200 } as const;
  const counts = {
    queued: 52_980,
    sending: 20,
    accepted: 46_000,
    bounced: 400,
    failed: 100,
    unknown: 0,
    suppressed: 500,
  };
  const unasked = { state: 'suppressed', reason: 'no_consent', messages: 420 } as const;
  const gone = { state: 'suppressed', reason: 'redeemed', messages: 80 } as const;
  return {
    'not begun': {
      ...still,
      counts: {},
      word: 'Not begun yet',
      delivery: { state: 'queueing', starts: { at: now + 86_400_000 } },
    },
    sending: { ...calm, counts, reasons: [quiet, unasked, gone], word: 'Sending' },
    trouble: {
      ...still,
      ...{
        counts: { ...counts, queued: 52_977, sending: 0, unknown: 23 },
        reasons: [quiet, unasked, gone],
        word: 'Waiting for the provider',
      },
      trouble: { since: now - 720_000, reason: 'smtp_no_connection' },
    },
    stopped: {
      ...still,
      ...{ counts: { ...counts, queued: 53_000, sending: 0 }, reasons: [quiet, unasked, gone], word: 'Stopped' },
      delivery: { pausedAt: now - 60_000 },
    },
    held: {
      ...still,
      ...{
        counts: { queued: 8_200, accepted: 91_300, suppressed: 500 },
        reasons: [quiet, unasked, gone],
        word: 'Waiting',
      },
    },
    'done with doubts': {
      ...still,
      ...{
        counts: { delivered: 80_000, accepted: 18_977, unknown: 523, suppressed: 500 },
        reasons: [unasked, gone],
        word: 'Done',
      },
      delivery: { state: 'done', onUnknown: 'resend' },
    },
    done: {
      ...still,
      counts: { accepted: 99_500, suppressed: 500 },
      reasons: [unasked, gone],
      word: 'Done',
      delivery: { state: 'done' },
    },
  } as const satisfies Record<string, Shown>;
}
