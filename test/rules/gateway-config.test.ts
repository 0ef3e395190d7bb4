import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../gateway/config.ts';
import { Stop } from '../../gateway/stop.ts';

const folder = mkdtempSync(join(tmpdir(), 'tearline-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(text: string): string {
  const path = join(folder, `${files++}.toml`);
  writeFileSync(path, text);
  return path;
}

/** The line on which a start stops. */
function stopLine(text: string | null, env: Record<string, string> = {}): string {
  const path = text === null ? null : file(text);
  try {
    readConfig(path, env);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    expect(error.status).toBe(78);
    return path === null ? error.message : error.message.replaceAll(path, 'FILE');
  }
  throw new Error('the settings were accepted');
}

describe('the gateway’s settings', () => {
  test('have the defaults of the documentation', () => {
    expect(readConfig(null, {})).toEqual({
      dataDirectory: '.tearline/gateway',
      witnessPath: '.tearline/gateway.witness',
      host: '127.0.0.1',
      port: 8090,
      tls: null,
      caFile: null,
      insecureLan: false,
      reserveDeadlineMs: 800,
      strict: false,
      currency: 'USD',
      language: 'en',
      theme: 'system',
      lanes: [],
    });
  });

  test('come from the file, and a variable wins over it', () => {
    const path = file(
      '[gateway]\nport = 9001\nreserve_deadline_ms = 400\nstrict = true\n\n[cloud]\nport = 1\nwhatever = 2\n',
    );
    const config = readConfig(path, { TEARLINE_GATEWAY_PORT: '9002', TEARLINE_WITNESS_PATH: '/mnt/stick' });
    expect(config).toMatchObject({ port: 9002, reserveDeadlineMs: 400, strict: true, witnessPath: '/mnt/stick' });
  });

  test('take an empty variable for one that is not set', () => {
    expect(readConfig(null, { TEARLINE_GATEWAY_PORT: '' }).port).toBe(8090);
  });

  test('name lanes with their scanners', () => {
    const path = file(
      '[[lane]]\nname = "1"\nscanner = { port = "/dev/ttyACM0" }\n[[lane]]\nname = "2"\n[lane.scanner]\nport = "/dev/ttyS0"\nbaud = 19200\nparity = "even"\ndata = 7\n',
    );
    expect(readConfig(path, {}).lanes).toMatchObject([
      { name: '1', scanner: { port: '/dev/ttyACM0', baud: 9600, data: 8, parity: 'none', stop: 1, profile: 'line' } },
      { name: '2', scanner: { port: '/dev/ttyS0', baud: 19200, data: 7, parity: 'even' } },
    ]);
  });

  test.each([
    [
      'an unknown key, with the nearest one',
      '[gateway]\n\nprot = 1\n',
      {},
      'FILE:3: gateway.prot is not a setting; did you mean port?',
    ],
    [
      'a language that the pages do not speak',
      '[gateway]\nlanguage = "it"\n',
      {},
      'FILE:2: gateway.language: expected en, es, fr or de',
    ],
    [
      'a theme that there is not',
      '[gateway]\ntheme = "pink"\n',
      {},
      'FILE:2: gateway.theme: expected system, light or dark',
    ],
    ['an unknown table', '[gateway]\n[gatway]\n', {}, 'FILE:2: gatway is not a setting; did you mean gateway?'],
    ['an unknown dotted key', 'gateway.hots = "x"\n', {}, 'FILE:1: gateway.hots is not a setting; did you mean host?'],
    [
      'an unknown variable',
      null,
      { TEARLINE_GATEWAY_PROT: '1' },
      'TEARLINE_GATEWAY_PROT is not a setting; did you mean TEARLINE_GATEWAY_PORT?',
    ],
    [
      'a bad value in the file',
      '[gateway]\nhost = "a"\nport = "high"\n',
      {},
      'FILE:3: gateway.port: expected a port from 0 to 65535',
    ],
    [
      'a fraction',
      '[gateway]\nreserve_deadline_ms = 1.5\n',
      {},
      'FILE:2: gateway.reserve_deadline_ms: expected a whole number from 50 to 10000',
    ],
    ['a bad value of a variable', null, { TEARLINE_STRICT: 'yes' }, 'TEARLINE_STRICT: expected 0 or 1'],
    [
      'a port beyond the last',
      null,
      { TEARLINE_GATEWAY_PORT: '65536' },
      'TEARLINE_GATEWAY_PORT: expected a port from 0 to 65535',
    ],
    [
      'a currency that is none',
      '[gateway]\ncurrency = "dollars"\n',
      {},
      'FILE:2: gateway.currency: expected an ISO 4217 currency, as USD',
    ],
    ['a table that is none', 'gateway = 3\n', {}, 'FILE:1: gateway: expected a table [gateway]'],
    [
      'a lane without a name',
      '[[lane]]\nname = "1"\n[[lane]]\nscanner = { port = "/dev/x" }\n',
      {},
      /^FILE:3: lane 2 name: /,
    ],
    [
      'an unknown key of a scanner',
      '[[lane]]\nname = "1"\nscanner = { port = "/dev/x", boud = 1 }\n',
      {},
      'FILE:3: lane 1 scanner.boud is not a setting',
    ],
    [
      'a bad value of a scanner',
      '[[lane]]\nname = "1"\n[lane.scanner]\nport = "/dev/x"\nbaud = "fast"\n',
      {},
      /^FILE:5: lane 1 scanner\.baud: /,
    ],
    [
      'an unknown profile of a scanner',
      '[[lane]]\nname = "1"\n[lane.scanner]\nport = "/dev/x"\nprofile = "lines"\n',
      {},
      'FILE:5: lane 1 scanner.profile: expected one of line, stx-etx, magellan, ssi',
    ],
    [
      'an unknown feedback',
      '[[lane]]\nname = "1"\nscanner = { port = "/dev/x", feedback = "beep" }\n',
      {},
      'FILE:3: lane 1 scanner.feedback: expected one of none, bel, datalogic, honeywell, ssi',
    ],
    [
      'an acknowledgement that is none',
      '[[lane]]\nname = "1"\nscanner = { port = "/dev/x", ack = "6" }\n',
      {},
      'FILE:3: lane 1 scanner.ack: expected one of none, 06',
    ],
    [
      'nine bits',
      '[[lane]]\nname = "1"\nscanner = { port = "/dev/x", data = 9 }\n',
      {},
      'FILE:3: lane 1 scanner.data: expected 7 or 8',
    ],
    [
      'a check byte where there is no frame',
      '[[lane]]\nname = "1"\n[lane.scanner]\nport = "/dev/x"\nlrc = true\n',
      {},
      'FILE:5: lane 1 scanner.lrc: goes with profile stx-etx alone',
    ],
    [
      'an acknowledgement beside the one that ssi has',
      '[[lane]]\nname = "1"\n[lane.scanner]\nport = "/dev/x"\nprofile = "ssi"\nack = "06"\n',
      {},
      'FILE:6: lane 1 scanner.ack: expected none: profile ssi acknowledges its packets by itself',
    ],
    [
      'single bytes to a scanner that reads packets',
      '[[lane]]\nname = "1"\n[lane.scanner]\nport = "/dev/x"\nprofile = "ssi"\nfeedback = "bel"\n',
      {},
      'FILE:6: lane 1 scanner.feedback: ssi goes with profile ssi, and with no other',
    ],
    [
      'two scanners on one port',
      '[[lane]]\nname = "1"\nscanner = { port = "/dev/x" }\n[[lane]]\nname = "2"\nscanner = { port = "/dev/../dev/x" }\n',
      {},
      'FILE: the scanner of lane 1 and the scanner of lane 2 have one port, /dev/../dev/x',
    ],
    [
      'a scanner and a register on one port',
      '[[lane]]\nname = "1"\nscanner = { port = "/dev/x" }\nregister = { port = "/dev/x" }\n',
      {},
      'FILE: the scanner of lane 1 and the register of lane 1 have one port, /dev/x',
    ],
    ['two lanes of one name', '[[lane]]\nname = "1"\n[[lane]]\nname = "1"\n', {}, 'FILE: two lanes are named 1'],
    ['what is not TOML', '[gateway]\nport = = 1\n', {}, /^FILE:2: expected TOML: /],
    ['a certificate without its key', null, { TEARLINE_TLS_CERT_FILE: '/x' }, /go together/],
  ])('stop the start at %s', (_what, text, env, line) => {
    if (typeof line === 'string') expect(stopLine(text, env)).toBe(line);
    else expect(stopLine(text, env)).toMatch(line);
  });

  test('stop where a link gives one port two names', () => {
    const device = join(folder, 'ttyS7');
    writeFileSync(device, '');
    symlinkSync(device, join(folder, 'by-id-scanner'));
    const lane = (name: string, port: string) => `[[lane]]\nname = "${name}"\nscanner = { port = "${port}" }\n`;
    expect(stopLine(lane('1', device) + lane('2', join(folder, 'by-id-scanner')))).toMatch(
      /^FILE: the scanner of lane 1 and the scanner of lane 2 have one port, .*by-id-scanner$/,
    );
  });

  test('never repeat a value, which may be a secret in the wrong place', () => {
    expect(stopLine('[gateway]\nport = "hunter2"\n')).not.toContain('hunter2');
  });

  test('stop where the file cannot be read', () => {
    expect(() => readConfig(join(folder, 'none.toml'), {})).toThrow('the settings file cannot be read');
  });
});

describe('a witness inside the data directory is refused', () => {
  const data = join(folder, 'data');
  mkdirSync(join(data, 'deep'), { recursive: true });
  symlinkSync(data, join(folder, 'link'));
  const witness = (path: string, dataDirectory = data) =>
    stopLine(null, { TEARLINE_GATEWAY_DATA: dataDirectory, TEARLINE_WITNESS_PATH: path });

  test.each([
    ['itself', data],
    ['below it', join(data, 'witness')],
    ['deeper, through dots', join(data, 'deep', '..', 'x', 'y')],
    ['through a symbolic link', join(folder, 'link', 'witness')],
  ])('%s', (_what, path) => {
    expect(witness(path)).toContain('is inside the data directory');
  });

  test('where the data directory itself is a link', () => {
    expect(witness(join(data, 'witness'), join(folder, 'link'))).toContain('is inside the data directory');
  });

  test('but not beside it, though its name begins alike', () => {
    expect(readConfig(null, { TEARLINE_GATEWAY_DATA: data, TEARLINE_WITNESS_PATH: `${data}.witness` })).toBeDefined();
  });
});

describe('a host off loopback', () => {
  const host = { TEARLINE_GATEWAY_HOST: '0.0.0.0' };

  test('is refused without TLS', () => {
    expect(stopLine(null, host)).toContain('TEARLINE_INSECURE_LAN=1');
  });

  test.each([
    ['with TLS', { TEARLINE_TLS_CERT_FILE: '/c', TEARLINE_TLS_KEY_FILE: '/k' }],
    ['where it is said to be wanted', { TEARLINE_INSECURE_LAN: '1' }],
  ])('is taken %s', (_what, env) => {
    expect(readConfig(null, { ...host, ...env }).host).toBe('0.0.0.0');
  });

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('does not mean %s', (loopback) => {
    expect(readConfig(null, { TEARLINE_GATEWAY_HOST: loopback }).host).toBe(loopback);
  });
});
