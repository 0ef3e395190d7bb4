import { expect, test } from 'vitest';
import { makeLog } from '../../gateway/log.ts';
import { makeKeyPair } from '../../protocol/envelope.ts';

const CODE = '7KQ29MXD4TRB8WNS';
const TOKEN = `tl_register_${'A1b-'.repeat(10)}xyz`;
const { privatePem } = makeKeyPair();

function logged(fields: object, message = 'said'): string {
  const lines: string[] = [];
  makeLog((line) => lines.push(line)).error(fields, message);
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

test.each([
  ['a code by its name', { code: CODE }],
  ['a code in a body', { body: { code: CODE } }],
  ['a code under another name', { scanned: CODE }],
  ['a code as it is printed', { text: 'on 7KQ2-9MXD-4TRB-8WNS today' }],
  ['a code in lower case', { text: '7kq2-9mxd-4trb-8wns' }],
  ['a code in a path', { path: `/v1/codes/${CODE}` }],
  ['a code in an error', { err: new Error(`no such code ${CODE}`) }],
])('no line shows %s, but for its last four', (_what, fields) => {
  const line = logged(fields);
  expect(line.toUpperCase()).not.toMatch(/4TRB|9MXD/);
  expect(line.toUpperCase()).toContain('8WNS');
});

test.each([
  ['a token by its name', { token: TOKEN }],
  ['a header', { headers: { authorization: `Bearer ${TOKEN}` } }],
  ['a token in an error', { err: new Error(`bad token ${TOKEN}`) }],
  ['a token in a text', { why: `${TOKEN} was refused` }],
])('no line shows %s', (_what, fields) => {
  expect(logged(fields)).not.toContain('A1b-A1b');
});

test('no line shows a private key or a password', () => {
  const secret = privatePem.split('\n')[1] ?? '';
  expect(logged({ pem: privatePem }, `read ${privatePem}`)).not.toContain(secret);
  expect(logged({ password: 'hunter2', fleetKey: 'hunter2' })).not.toContain('hunter2');
});

test('what is no secret stays readable', () => {
  const fields = { gateway: 'gw-0123456789abcdef', basket: '0042-3-20261123-0007', hash: 'a'.repeat(64), port: 8090 };
  expect(JSON.parse(logged(fields, 'the gateway is open'))).toMatchObject({
    ...fields,
    msg: 'the gateway is open',
    level: 'error',
  });
  expect(logged({ err: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })).toContain('ECONNREFUSED');
});
