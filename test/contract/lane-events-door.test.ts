import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeGatekeeper } from '../../gateway/doors/gatekeeper.ts';
import { createApp } from '../../gateway/doors/http.ts';
import { laneEventsDoor } from '../../gateway/doors/lane-events-door.ts';
import { type Listening, listen } from '../../gateway/doors/listen.ts';
import { createToken, tokenFolder } from '../../gateway/doors/tokens.ts';
import type { ScanEvent } from '../../gateway/lanes/scan-event.ts';
import type { Answer } from '../../gateway/lanes/sale.ts';
import { makeLog } from '../../gateway/log.ts';
import { openApiDocument } from '../../protocol/openapi.ts';

const data = mkdtempSync(join(tmpdir(), 'tearline-lane-events-'));
const registerToken = createToken(data, { scope: 'register', name: 'till' });
afterAll(() => rmSync(data, { recursive: true }));

let followers: { lane: string; told: (event: ScanEvent) => void }[];
let ended: string[];
let answer: Answer;
let listening: Listening;
let url: string;
const open = new Set<{ abort(): void } | Socket>();

const sales = {
  follow(lane: string, told: (event: ScanEvent) => void) {
    const follower = { lane, told };
    followers.push(follower);
    return () => {
      followers = followers.filter((other) => other !== follower);
    };
  },
  next: async (lane: string) => void ended.push(lane),
  view: (lane: string) => {
    const [basket, number] = [`0042-${lane}-20261123-0008`, '0008'];
    return { lane, basket, number, total: null, coupons: [], answer, answers: 0, training: null, supervisor: null };
  },
};
const endpoints = laneEventsDoor(sales);

beforeEach(async () => {
  [followers, ended, answer] = [[], [], { kind: 'idle' }];
  const gatekeeper = makeGatekeeper(tokenFolder(data, Date.now), Date.now);
  const app = createApp(endpoints, [], { gatekeeper, host: '127.0.0.1', log: makeLog(() => {}) });
  listening = await listen(app, { host: '127.0.0.1', port: 0, tls: null });
  url = `http://127.0.0.1:${listening.port}/v1/lanes`;
});
afterEach(async () => {
  for (const one of open) 'abort' in one ? one.abort() : one.destroy();
  open.clear();
  await listening.close();
});

const authorized = { authorization: `Bearer ${registerToken}` };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 5));
}

/** Reads as long as the test lasts. */
async function follow(lane: string) {
  const leave = new AbortController();
  open.add(leave);
  const answer = await fetch(`${url}/${lane}/events`, { headers: authorized, signal: leave.signal });
  const seen = { text: '', type: answer.headers.get('content-type'), leave: () => leave.abort() };
  const read = async () => {
    for await (const piece of answer.body ?? []) seen.text += new TextDecoder().decode(piece);
  };
  read().catch(() => {});
  return seen;
}

function scanEvent(scan: number, code: string): ScanEvent {
  return { kind: 'scan', scan, code, at: Date.UTC(2026, 10, 23, 10), origin: 'scanner' };
}

describe('the events of a lane', () => {
  test('come as they happen, the code in full, to whoever follows that lane', async () => {
    const seen = await follow('2');
    const other = await follow('3');
    expect(seen.type).toBe('text/event-stream');
    await until(() => seen.text === ': here\n\n');
    for (const { lane, told } of followers) {
      if (lane !== '2') continue;
      told(scanEvent(7, ']C1255\u001d9'));
      told({ kind: 'decision', scan: 7, code: ']C1255\u001d9', decision: null });
    }
    await until(() => seen.text.includes('decision'));
    expect(seen.text.split('\n\n').slice(1)).toEqual([
      'event: scan\ndata: {"scan":7,"lane":"2","code":"]C1255\\u001d9","at":"2026-11-23T10:00:00.000Z","origin":"scanner"}',
      'event: decision\ndata: {"scan":7,"lane":"2","code":"]C1255\\u001d9","decision":null}',
      '',
    ]);
    expect(other.text).toBe(': here\n\n');
  });

  test('need a register token, and a lane that can be one', async () => {
    expect((await fetch(`${url}/2/events`)).status).toBe(401);
    expect((await fetch(`${url}/2/next`, { method: 'POST' })).status).toBe(401);
    expect((await fetch(`${url}/${'x'.repeat(17)}/events`, { headers: authorized })).status).toBe(404);
    expect((await fetch(`${url}/${'x'.repeat(17)}/next`, { method: 'POST', headers: authorized })).status).toBe(404);
    expect(followers).toEqual([]);
  });

  test('are followed by nobody once the register has left', async () => {
    const seen = await follow('2');
    expect(followers).toHaveLength(1);
    seen.leave();
    await until(() => followers.length === 0);
  });

  test('cut off who does not read them, without harm to who does', async () => {
    const reader = await follow('2');
    const stopped = connect(listening.port, '127.0.0.1');
    open.add(stopped);
    stopped.pause();
    const gone = new Promise((done) => stopped.once('close', done));
    stopped.write(
      `GET /v1/lanes/2/events HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorized.authorization}\r\n\r\n`,
    );
    await until(() => followers.length === 2);
    const [first] = followers;
    // Far more than what the system keeps for a connection.
    const code = 'A'.repeat(500);
    for (let scan = 0; followers.length === 2; scan += 1) {
      for (const { told } of followers) told(scanEvent(scan, code));
      await new Promise(setImmediate);
      if (scan > 200_000) throw new Error('it was never cut off');
    }
    expect(followers).toEqual([first]);
    stopped.resume();
    await gone;
    first?.told(scanEvent(-1, 'LAST'));
    await until(() => reader.text.includes('"code":"LAST"'));
  });

  test('are described in the API document', () => {
    const { paths } = openApiDocument(
      { title: '', version: '', description: '' },
      endpoints.map(({ operation }) => operation),
    );
    expect(Object.keys(paths)).toEqual(['/v1/lanes/{lane}/events', '/v1/lanes/{lane}/next']);
    expect(paths['/v1/lanes/{lane}/events']?.get).toMatchObject({
      security: [{ token: ['register'] }],
      responses: { 200: { content: { 'text/event-stream': { schema: { anyOf: [{}, {}] } } } } },
    });
  });
});

describe('a register ends the sale of its lane', () => {
  const next = () => fetch(`${url}/2/next`, { method: 'POST', headers: authorized });

  test('and is told the next one', async () => {
    const schema = z.strictObject({ basket: z.string(), number: z.string() });
    expect(schema.parse(await (await next()).json())).toEqual({ basket: '0042-2-20261123-0008', number: '0008' });
    expect(ended).toEqual(['2']);
  });

  test('and is told where that could not be done', async () => {
    answer = { kind: 'stuck', during: 'next', lastFour: '' };
    expect((await next()).status).toBe(503);
  });
});
