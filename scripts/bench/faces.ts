import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseCustomerNumber } from '../../cloud/distribution/identity.ts';
import { customerPages } from '../../cloud/doors/customer-pages.ts';
import { createFailures } from '../../cloud/doors/failures.ts';
import { createApp } from '../../cloud/doors/http.ts';
import { listen } from '../../cloud/doors/server.ts';
import { type DistributionRoom, NO_POST, openDistribution } from './distribution-room.ts';
import { type Bench, type Figure, rateFigure } from './figure.ts';
import { rates } from './measure.ts';

const IN_FLIGHT = 8;
const PEOPLE = 200;
/** A face is four reads, a decryption, a barcode and some hundred lines of HTML. */
const SHARE_MIN = 0.1;

/** Faces served, eight asked for at once; bare: a page of the same size that Node answers from memory. */
export async function faces(bench: Bench): Promise<Figure[]> {
  const blocks = { blocks: 5, perBlock: bench.isQuick ? 200 : 2_000 };
  const room = await openDistribution(join(bench.directory, 'ledger.sqlite'), NO_POST);
  bench.atEnd(() => room.close());
  bench.say(`${PEOPLE} coupons`);
  const paths = await Promise.all(Array.from({ length: PEOPLE }, async (_, i) => `/c/${await linkOf(room, i)}`));
  const ours = await openPages(room);
  bench.atEnd(() => ours.close());
  const page = await (await fetch(`http://127.0.0.1:${ours.port}${paths[0]}`)).text();
  const bare = await openBare(page);
  bench.atEnd(() => bare.close());

  const { result, probe } = await bench.disk.around(() =>
    rates(blocks, {
      ours: () => fetchAll(ours.port, paths, blocks.perBlock),
      bare: () => fetchAll(bare.port, ['/'], blocks.perBlock),
    }),
  );
  const title = `faces served, ${page.length} bytes each, ${IN_FLIGHT} at once; bare: as large a page from memory`;
  return [rateFigure({ name: 'faces', title, probe }, blocks.blocks * blocks.perBlock, result, SHARE_MIN)];
}

async function linkOf({ distribution, campaign }: DistributionRoom, n: number): Promise<string> {
  const number = parseCustomerNumber(`customer-${n}`);
  if (!number.ok) throw new Error(number.error);
  const customer = await distribution.person([{ identity: number.value, verified: false }], { name: 'Ann Okafor' });
  const about = { campaign, how: 'demand', channel: 'web', source: {}, personal: null } as const;
  const assigned = await distribution.assign({ ...about, customer });
  if (!assigned.ok) throw new Error('a coupon was refused');
  return assigned.value.link;
}

async function openPages({ distribution, ledger }: DistributionRoom) {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const failures = createFailures(Date.now);
  const pages = customerPages({
    ...{ distribution, ledger, failures, log, now: Date.now, note: () => undefined },
    shop: { retailer: 'Northgate Market', contact: null, url: null },
    country: null,
    url: 'http://localhost',
  });
  const tokens = { add: async () => undefined, find: async () => null, revoke: async () => 0 };
  const plumbing = {
    ...{ tokens, failures, publicHost: 'localhost', log },
    isProxy: () => false,
    observe: () => undefined,
  };
  const listening = await listen(createApp(pages.endpoints, plumbing), '127.0.0.1', 0, null);
  return {
    port: listening.port,
    async close() {
      pages.close();
      await listening.close();
    },
  };
}

async function openBare(page: string) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function fetchAll(port: number, paths: readonly string[], count: number): Promise<void> {
  let begun = 0;
  const reader = async () => {
    while (begun < count) {
      begun += 1;
      const response = await fetch(`http://127.0.0.1:${port}${paths[begun % paths.length]}`);
      await response.text();
      if (response.status !== 200) throw new Error(`a page answers ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, reader));
}
