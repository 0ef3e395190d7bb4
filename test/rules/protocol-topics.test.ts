import { describe, expect, test } from 'vitest';
import {
  downTopic,
  mayPublish,
  mayRead,
  presenceTopic,
  readUpTopic,
  shardSubscriptions,
  upToNodeTopic,
  upTopic,
} from '../../protocol/topics.ts';

const me = { shard: 7, gateway: 'gw-aaaaaaaa1' };
const other = { shard: 7, gateway: 'gw-aaaaaaaa12' };

describe('the topics of a gateway', () => {
  test('are its own four [T4]', () => {
    expect([upTopic(me), upToNodeTopic(me, 'node-1'), downTopic(me), presenceTopic(me)]).toEqual([
      'tearline/v1/7/gw-aaaaaaaa1/up',
      'tearline/v1/7/gw-aaaaaaaa1/up/node-1',
      'tearline/v1/7/gw-aaaaaaaa1/down',
      'tearline/v1/7/gw-aaaaaaaa1/presence',
    ]);
  });

  test('may be published to: up, up of a node, presence; and read: down [T4]', () => {
    for (const topic of [upTopic(me), upToNodeTopic(me, 'node-1'), presenceTopic(me)]) {
      expect(mayPublish(me, topic)).toBe(true);
      expect(mayRead(me, topic)).toBe(false);
    }
    expect(mayRead(me, downTopic(me))).toBe(true);
    expect(mayPublish(me, downTopic(me))).toBe(false);
  });

  const hostile = [
    '',
    '#',
    '+',
    '/',
    '$SYS/broker/uptime',
    'tearline/#',
    'tearline/v1/#',
    'tearline/v1/+/+/up',
    'tearline/v1/7/#',
    'tearline/v1/7/+/down',
    'tearline/v1/7/gw-aaaaaaaa1',
    'tearline/v1/7/gw-aaaaaaaa1/#',
    'tearline/v1/7/gw-aaaaaaaa1/+',
    'tearline/v1/7/gw-aaaaaaaa1/up/',
    'tearline/v1/7/gw-aaaaaaaa1/up/#',
    'tearline/v1/7/gw-aaaaaaaa1/up/+',
    'tearline/v1/7/gw-aaaaaaaa1/up/a/b',
    'tearline/v1/7/gw-aaaaaaaa1/up/../../x',
    `tearline/v1/7/gw-aaaaaaaa1/up/${'n'.repeat(41)}`,
    'tearline/v1/7/gw-aaaaaaaa1/down/#',
    'tearline/v1/7/gw-aaaaaaaa1/upwards',
    'tearline/v1/7/gw-aaaaaaaa1/UP',
    ' tearline/v1/7/gw-aaaaaaaa1/up',
    'tearline/v1/7/gw-aaaaaaaa1/up\n',
    'tearline/v1/7/gw-aaaaaaaa1/up\0',
    '/tearline/v1/7/gw-aaaaaaaa1/up',
    'tearline/v2/7/gw-aaaaaaaa1/up',
    'tearline/v1/07/gw-aaaaaaaa1/up',
    'tearline/v1/8/gw-aaaaaaaa1/up',
    '$share/all/tearline/v1/7/gw-aaaaaaaa1/down',
    upTopic(other),
    upToNodeTopic(other, 'node-1'),
    presenceTopic(other),
    downTopic(other),
  ];
  test.each(hostile)('do not have %j among them [T4]', (topic) => {
    expect(mayPublish(me, topic)).toBe(false);
    expect(mayRead(me, topic)).toBe(false);
  });
});

describe('a topic that a cloud node reads', () => {
  test('says whose it is and what [T4]', () => {
    expect(readUpTopic(upTopic(me))).toEqual({ ...me, leaf: 'up' });
    expect(readUpTopic(presenceTopic(me))).toEqual({ ...me, leaf: 'presence' });
    expect(shardSubscriptions(7)).toEqual(['tearline/v1/7/+/up', 'tearline/v1/7/+/presence']);
  });

  test.each([
    downTopic(me),
    'tearline/v1/+/+/up',
    'tearline/v1/7/#',
    'tearline/v1/100/gw-aaaaaaaa1/up',
    'tearline/v1/x/gw-aaaaaaaa1/up',
    'tearline/v1/7/store-0042/up',
    'tearline/v1/7/gw-AAAAAAAA/up',
    'tearline/v1/7/gw-short/up',
    `tearline/v1/7/gw-${'a'.repeat(33)}/up`,
    'tearline/v1/7/gw-aaaaaaaa1/up\n',
    'x/tearline/v1/7/gw-aaaaaaaa1/up',
    '',
  ])('is none of a gateway: %j [T4]', (topic) => {
    expect(readUpTopic(topic)).toBeNull();
  });
});
