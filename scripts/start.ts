/** `npm start`: the whole system on one machine — the cloud with its broker, and two stores' gateways. Ctrl-C stops all. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Children } from './start/children.ts';
import { CloudApi } from './start/cloud-api.ts';
import { type Demo, readDemo, writeDemo } from './start/demo.ts';
import { startPhone } from './start/phone.ts';
import { portsFrom, prepareStores, seedCampaign, stockFirstCodes } from './start/seed.ts';
import { summary } from './start/summary.ts';

const USAGE =
  'Usage: npm start -- [--data DIR] [--port-base N]   (N the cloud, N+1 and N+2 the gateways, N+3 the broker, N+4 and N+5 the phone)';
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;
const EXIT_IO = 74;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return fail(EXIT_USAGE, USAGE);
  const { data, ports } = options;
  try {
    mkdirSync(join(data, 'logs'), { recursive: true, mode: 0o700 });
  } catch (error) {
    return fail(EXIT_IO, `${data} cannot be written: ${message(error)}`);
  }
  const children = new Children(join(data, 'logs'));
  const stopped = new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop());
  });
  try {
    const demo = await startAll(data, ports, children);
    console.log(summary(demo, data));
    const early = await Promise.race([stopped.then(() => null), children.gaveUp()]);
    if (early !== null) throw new Error(early);
    return 0;
  } catch (error) {
    return fail(EXIT_UNAVAILABLE, message(error));
  } finally {
    await children.stop();
  }
}

async function startAll(data: string, ports: ReturnType<typeof portsFrom>, children: Children): Promise<Demo> {
  const before = readDemo(data);
  console.log(before === null ? `First start: making the demo in ${data} …` : `Starting from ${data} …`);
  const cloud = `http://localhost:${ports.cloud}`;
  const phone = await startPhone(data, ports, cloud, children);
  const cloudPid = await children.start('cloud', ports.cloud, ['cloud', 'serve', '--data', join(data, 'cloud')], {
    ...phone.settings,
    TEARLINE_CLOUD_PORT: String(ports.cloud),
    TEARLINE_CLOUD_URL: cloud,
    TEARLINE_CLOUD_RETAILER: 'Northgate Market',
    TEARLINE_CLOUD_CONTACT: '555 0142',
    TEARLINE_BROKER_PORT: String(ports.broker),
  });
  const seed = {
    ...(before ?? (await seedCampaign(data, cloud))),
    cloud,
    cloudPid,
    phone: phone.url,
    phonePid: phone.pid,
  };
  const api = new CloudApi(cloud, seed.adminToken);
  await api.ready();
  const boxes = await prepareStores(data, api, ports, before?.gateways ?? [], children);
  const gateways = await Promise.all(
    boxes.map(async ({ port, ...box }) => {
      const url = `http://localhost:${port}`;
      const serve = ['gateway', 'serve', '--data', box.dataDir];
      const pid = await children.start(`store-${box.store}`, port, serve, { TEARLINE_GATEWAY_PORT: String(port) });
      return { ...box, url, pid };
    }),
  );
  let demo: Demo = { ...seed, gateways };
  if (before === null) await stockFirstCodes(api, demo);
  writeDemo(data, demo);
  // A child that died is there again under another pid.
  children.onRestart((name, pid) => {
    demo = {
      ...demo,
      ...(name === 'cloud' ? { cloudPid: pid } : {}),
      ...(name === 'phone' ? { phonePid: pid } : {}),
      gateways: demo.gateways.map((g) => (name === `store-${g.store}` ? { ...g, pid } : g)),
    };
    writeDemo(data, demo);
  });
  return demo;
}

function readOptions() {
  try {
    const { values } = parseArgs({ options: { data: { type: 'string' }, 'port-base': { type: 'string' } } });
    const base = values['port-base'];
    if (base !== undefined && !(/^[0-9]{1,5}$/.test(base) && Number(base) > 0 && Number(base) < 65_530)) return null;
    return { data: resolve(values.data ?? '.tearline'), ports: portsFrom(base === undefined ? null : Number(base)) };
  } catch {
    return null;
  }
}

function fail(status: number, line: string): number {
  console.error(line);
  return status;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
