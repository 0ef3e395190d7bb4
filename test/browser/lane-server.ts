import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import type { Drill } from '../../gateway/cloud-link/drill.ts';
import type { Theme } from '../../gateway/config.ts';
import { loadAssets } from '../../gateway/doors/assets.ts';
import { makeGatekeeper } from '../../gateway/doors/gatekeeper.ts';
import { createApp } from '../../gateway/doors/http.ts';
import { laneDoor } from '../../gateway/doors/lane-door.ts';
import type { BlanksHeld } from '../../gateway/till/blanks-held.ts';
import type { LaneFacts } from '../../gateway/doors/pages/status-words.ts';
import { sessionDoor } from '../../gateway/doors/session-door.ts';
import { sessionFile } from '../../gateway/doors/sessions.ts';
import { statusDoor } from '../../gateway/doors/status-door.ts';
import { addSupervisor, supervisorFolder } from '../../gateway/doors/supervisors.ts';
import { createToken, tokenFolder } from '../../gateway/doors/tokens.ts';
import { after } from '../../gateway/lanes/after.ts';
import { laneMemoryFiles } from '../../gateway/lanes/lane-memory-file.ts';
import { practiceTill } from '../../gateway/lanes/practice-till.ts';
import { saleNumbersFile } from '../../gateway/lanes/sale-numbers-file.ts';
import { openSales, type Sales } from '../../gateway/lanes/sales.ts';
import type { Log } from '../../gateway/log.ts';
import type { Language } from '../../protocol/pages/language.ts';
import { FakeTill } from './fake-till.ts';

export type LaneServer = {
  readonly url: string;
  readonly till: FakeTill;
  readonly sales: Sales;
  readonly registerToken: string;
  readonly boxToken: string;
  readonly dataDirectory: string;
  readonly box: {
    drill: Drill | null;
    lanes: LaneFacts[];
    blanks: readonly BlanksHeld[];
    disk: { freeBytes: number; totalBytes: number } | null;
  };
  /** What was logged, as lines. */
  readonly logged: string[];
  stop(): Promise<void>;
};

/** May open the choices and begin a training. */
export const SUPERVISOR = { name: 'Kim', pin: '246810' } as const;

/** The gateway's pages on a free port, with a till that is not real. */
export async function startLaneServer(
  options: {
    port?: number;
    dataDirectory?: string;
    till?: FakeTill;
    language?: Language;
    theme?: Theme;
    currency?: string;
  } = {},
): Promise<LaneServer> {
  const now = Date.now;
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'tearline-lane-'));
  const till = options.till ?? new FakeTill(now);
  const logged: string[] = [];
  const say = (fields: object, message: string) => void logged.push(JSON.stringify({ ...fields, message }));
  const log: Log = {
    info: say,
    warn: say,
    error: (fields, message) => say({ ...fields, err: String((fields as { err?: unknown }).err) }, message),
  };
  const registerToken = createToken(dataDirectory, { scope: 'register', name: 'lane-2' });
  const boxToken = createToken(dataDirectory, { scope: 'box', name: 'Jo' });
  const currency = options.currency ?? 'USD';
  await addSupervisor(dataDirectory, SUPERVISOR.name, SUPERVISOR.pin);
  const supervisors = supervisorFolder(dataDirectory, now);
  const memory = laneMemoryFiles(dataDirectory, log);
  const practice = () => practiceTill(till.ports.status, currency, now);
  const numbers = saleNumbersFile(dataDirectory);
  const sales = openSales({ till: till.ports, practice, memory, numbers, now, after, log });
  const tokens = tokenFolder(dataDirectory, now);
  const gatekeeper = makeGatekeeper(tokens, now);
  const box: LaneServer['box'] = { drill: null, lanes: [], blanks: [], disk: { freeBytes: 41e9, totalBytes: 58e9 } };
  const link = {
    status: () => ({ phase: 'up' as const, drill: box.drill, dropped: new Map() }),
    cut(minutes: number, by: string) {
      const drill = { since: now(), until: now() + minutes * 60_000, by };
      box.drill = drill;
      return drill;
    },
    open: () => {
      box.drill = null;
    },
  };
  const assets = loadAssets();
  const door = {
    gatekeeper,
    sessions: sessionFile(dataDirectory, tokens, now),
    gateway: 'gw-00000001',
    secure: false,
    asset: assets.path,
    look: { language: options.language ?? 'en', theme: options.theme ?? 'system' },
  } as const;
  const status = () => till.ports.status();
  const source = {
    till: status,
    lanes: () => box.lanes,
    blanks: () => box.blanks,
    disk: () => box.disk,
    startedAt: now() - 41 * 86_400_000,
  };
  const pages = [
    assets.routes,
    sessionDoor(door),
    laneDoor({ door, sales, supervisors, status, link, forms: () => [], currency, isPlain: false, now }),
    statusDoor({ door, source, link, isPlain: false, now }),
  ];
  const app = createApp([], pages, { gatekeeper, host: '127.0.0.1', log });
  const server = serve({ fetch: app.fetch, port: options.port ?? 0, hostname: '127.0.0.1' });
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    till,
    sales,
    registerToken,
    boxToken,
    dataDirectory,
    box,
    logged,
    async stop() {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((done) => server.close(done));
      if (options.dataDirectory === undefined) rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}
