import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decideWant } from '../../cloud/fleet/granting-rules.ts';
import { decideCart } from '../../cloud/ledger/cart-rules.ts';
import { CODE_EVENTS, CODE_STATES, type CodeView, move, TABLE } from '../../cloud/ledger/code-rules.ts';
import * as limits from '../../protocol/limits.ts';
import { downSchemas, upSchemas } from '../../protocol/messages.ts';
import {
  cardWith,
  codeWith,
  dollars,
  gatewayWith,
  NOW,
  OTHER_BOX,
  redemptionWith,
  reservationWith,
  STORE_BOX,
  sent,
  viewIn,
} from './ledger-rows.ts';

/** The tables that SPEC.md prints are what the program does: found out by running it. */

const spec = readFileSync(join(import.meta.dirname, '..', '..', 'protocol', 'SPEC.md'), 'utf8');

/** The cells of a table, without its line of dashes. */
function printed(name: string): string[][] {
  const text = spec.split(`<!-- ${name} -->\n`)[1]?.split('<!-- end -->')[0];
  if (text === undefined) throw new Error(`SPEC.md has no table ${name}`);
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  const cells = rows.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  return cells.filter((_, place) => place !== 1);
}

describe('the state × event table', () => {
  test('is printed in SPEC.md as the code has it [A4]', () => {
    const rows = CODE_EVENTS.map((event) => [
      `\`${event}\``,
      ...CODE_STATES.map((state) => (TABLE[state][event] === 'stays' ? '·' : TABLE[state][event])),
    ]);
    expect(printed('state × event')).toEqual([['event', ...CODE_STATES], ...rows]);
  });

  test.each(CODE_STATES.flatMap((state) => CODE_EVENTS.map((event) => [state, event, TABLE[state][event]] as const)))(
    '%s, %s: %s, in the row and in one entry of the chain [A4]',
    (state, event, outcome) => {
      const { code } = viewIn(state);
      const moved = move(code, event, {}, {});
      if (typeof moved === 'string') {
        expect(moved).toBe(outcome);
        return;
      }
      const to = outcome === 'free' ? (code.voidMark ? 'voided' : 'issued') : outcome;
      expect(moved.row.state).toBe(to);
      expect(moved.row.version).toBe(code.version + 1);
      expect(moved.changes).toEqual([
        { do: 'code', row: moved.row },
        { do: 'entry', codeHash: code.hash, body: { kind: event, generation: code.generation, from: state, to } },
      ]);
    },
  );
});

type Door = (view: CodeView | null) => string;

describe('the state × reason table', () => {
  const silent = { gateway: gatewayWith({ connected: false, silentSince: NOW - 60_000 }), storeName: 'Main Street' };
  const used = reservationWith({ inUse: { until: NOW + 60_000, lane: '3' } });
  const situations: readonly (readonly [string, CodeView | null])[] = [
    ['unknown', null],
    ['`issued`', viewIn('issued')],
    ['`held`', viewIn('held')],
    ['`reserved`', viewIn('reserved')],
    ['`reserved`, in use there', viewIn('reserved', { reservation: used })],
    ['`reserved`, holder silent', viewIn('reserved', { holder: silent })],
    ['`void_pending`', viewIn('void_pending')],
    ['`in_doubt`', viewIn('in_doubt')],
    [
      '`redeemed`',
      viewIn('redeemed', { redemption: redemptionWith({ door: 'cart:shop', basket: 'cart-1', lane: null }) }),
    ],
    ['`voided`', viewIn('voided')],
    ['`issued`, campaign over', viewIn('issued', { card: cardWith({ endsAt: '2026-11-10' }) })],
    ['`redeemed`, campaign over', viewIn('redeemed', { card: cardWith({ endsAt: '2026-11-10' }) })],
  ];

  const cart =
    (basket: string): Door =>
    (view) => {
      const sale = { client: 'shop', basket, lane: null, total: dollars(42), discount: null };
      const outcome = decideCart('validate', sale, { view, reversal: null, redemptionId: 'r', waitId: 'w' }, true, NOW);
      switch (outcome.kind) {
        case 'held':
          return 'approved';
        case 'redeemed':
          return 'approved, its redemption';
        case 'refused':
          return `\`${outcome.refusal.reason}\``;
        case 'waits':
          return 'waits';
        case 'conflict':
          return 'conflict';
      }
    };

  const store =
    (gateway: string): Door =>
    (view) => {
      const want = {
        want: 'want-0001',
        codeHash: codeWith().hash,
        basket: 'sale-9',
        lane: '1',
        total: dollars(42),
        customer: null,
        waitMs: 800,
      };
      const given = {
        view,
        reversal: null,
        store: { id: '0001', timeZone: 'UTC' },
        reservationId: 'reservation-2',
        waitId: 'w',
        tombstones: [],
      };
      const changes = decideWant(gatewayWith({ id: gateway }), want, given, NOW);
      const answer = sent(changes).find(({ type }) => type === 'grant' || type === 'refuse');
      if (answer?.type === 'refuse') return `\`${answer.body.reason}\``;
      if (answer?.type === 'grant') return view?.code.state === 'reserved' ? 'granted again' : 'granted';
      return changes.some((change) => change.do === 'wait') ? 'waits' : 'silence';
    };

  test('is printed in SPEC.md as the doors answer', () => {
    const doors: readonly Door[] = [cart('cart-1'), cart('cart-2'), store(STORE_BOX), store(OTHER_BOX)];
    const head = ['the code is', "a cart's own basket", 'another cart', 'the store that has it', 'another store'];
    const rows = situations.map(([name, view]) => [name, ...doors.map((door) => door(view))]);
    expect(printed('state × reason')).toEqual([head, ...rows]);
  });
});

describe('the messages in SPEC.md', () => {
  test.each([
    ['messages up', upSchemas],
    ['messages down', downSchemas],
  ])('%s have the fields that the schemas have, and no others', (name, schemas) => {
    const names = (cell = '') => cell.match(/\w+/g) ?? [];
    const rows = printed(name)
      .slice(1)
      .map(([type, fields]) => [...names(type), names(fields)]);
    expect(rows).toEqual(Object.entries(schemas).map(([type, schema]) => [type, Object.keys(schema.shape)]));
  });
});

describe('the limits in SPEC.md', () => {
  test('are those of limits.ts, by name and value', () => {
    const rows = Object.entries(limits).flatMap(([name, value]) =>
      typeof value === 'number' ? [[`\`${name}\``, value.toLocaleString('en')]] : [],
    );
    expect(printed('limits')).toEqual([['limit', 'value'], ...rows]);
  });
});
