import { afterEach, describe, expect, test } from 'vitest';
import { isProxyEntry, proxiesOf, remoteOf } from '../../cloud/doors/proxies.ts';
import { fakeLedger, openTestDoors, type TestDoors } from './cloud-doors.ts';

/** Whom a request is counted for, behind proxies and without. */

describe('where a request began', () => {
  const isProxy = proxiesOf(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']);
  const eve = '6.6.6.6';

  test.each([
    ['the connection’s other end, where that is no proxy', '198.51.100.7', eve, '198.51.100.7'],
    ['the proxy, where it says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['whom a proxy heard it from', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    [
      'the last who is no proxy, whatever is written before',
      '10.0.0.1',
      `${eve}, 198.51.100.7, 10.2.3.4`,
      '198.51.100.7',
    ],
    ['the first, where all are proxies', '10.0.0.1', '10.0.0.9, 192.0.2.1', '10.0.0.9'],
    ['the proxy, where it writes what is no address', '10.0.0.1', `${eve}, unknown`, '10.0.0.1'],
    ['the same for an IPv4 address in IPv6', '::ffff:10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
    ['behind a proxy of IPv6, with ports', '2001:db8::1', `[2001:db9::7]:4711, 10.0.0.2:80`, '2001:db9::7'],
    ['an IPv6 address as it stands', '10.0.0.1', '2001:db9::7', '2001:db9::7'],
    ['nothing, where there is no connection', '', eve, ''],
  ])('is %s', (_, peer, forwarded, expected) => {
    expect(remoteOf(peer, forwarded, isProxy)).toBe(expected);
  });

  test('is the connection’s other end, where no proxy is named', () => {
    expect(remoteOf('127.0.0.1', eve, proxiesOf([]))).toBe('127.0.0.1');
  });

  test('is told by addresses and networks, never by all that there are', () => {
    for (const good of ['10.0.0.7', '10.0.0.0/8', '::1', '2001:db8::/32', '10.0.0.1/32'])
      expect(isProxyEntry(good), good).toBe(true);
    for (const bad of [
      '',
      'proxy',
      '10.0.0.0/0',
      '::/0',
      '10.0.0.0/33',
      '::1/129',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '1.2.3',
    ])
      expect(isProxyEntry(bad), bad).toBe(false);
  });
});

describe('a limit by address', () => {
  let doors: TestDoors;
  afterEach(() => doors.close());
  const guesses = async (from: string, times: number) => {
    const headers = { authorization: 'Bearer guess', 'x-forwarded-for': from };
    const statuses = [];
    for (let n = 0; n < times; n += 1) statuses.push((await doors.call('GET', '/v1/baskets/b', { headers })).status);
    return statuses;
  };

  test('is each customer’s own behind a proxy that is named', async () => {
    doors = await openTestDoors(fakeLedger(), undefined, undefined, ['127.0.0.1']);
    expect((await guesses('198.51.100.7', 11)).at(-1)).toBe(429);
    expect(await guesses('198.51.100.8', 1)).toEqual([401]);
    // What a customer writes into it moves nothing.
    expect(await guesses('1.1.1.1, 198.51.100.7', 1)).toEqual([429]);
  });

  test('is not evaded by a header where no proxy is named', async () => {
    doors = await openTestDoors(fakeLedger());
    const statuses = [];
    for (let n = 0; n < 11; n += 1) statuses.push(...(await guesses(`198.51.100.${n}`, 1)));
    expect(statuses.at(-1)).toBe(429);
  });
});
