import type { BrokenId } from '../traces/broken-designs.ts';
import { RESERVATION_MS } from '../../protocol/limits.ts';
import type { Space } from './state.ts';

/** The bounded spaces that are explored, and the broken designs that each must show. */

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** The first box holds the code, and its journal so far is settled. */
const HELD = ['code 0 is stocked', 'store 0 gets grant', 'store 0 uploads', 'cloud gets journal', 'store 0 gets ack'];
/** An extension is on its way; the code came back, was sold in a cart and taken back, and is granted anew at the old time. */
const EXTENDED = [
  ...[...HELD, 'time is', 'store 0 beats', 'cloud gets heartbeat', 'cart X redeems: waits', 'store 0 gets recall'],
  ...['store 0 uploads', 'cloud gets journal of gw-00000000 to 5', 'cart X redeems: approved', 'cart X is reversed'],
  ...['time is', 'code 0 is stocked', 'store 0 gets grant 2'],
];

export type Explored = Space & { readonly shows: readonly BrokenId[] };

export const SPACES: readonly Explored[] = [
  {
    ...{ name: 'a box dies, and its disk is put back', boxes: 1, codes: 1, tills: ['A', 'B'], carts: [] },
    most: { stock: 1, fault: 1, start: 2, backup: 1, restore: 1 },
    shows: ['B3', 'B5', 'B7'],
  },
  {
    ...{ name: 'the witness is away for a while', boxes: 1, codes: 1, tills: ['A', 'B'], carts: [], after: HELD },
    most: { stock: 1, fault: 1, start: 2, backup: 1, restore: 1, witness: 2 },
    shows: ['B11'],
  },
  {
    ...{ name: 'a cart wants what is on its way to a box', boxes: 1, codes: 1, tills: ['A'], carts: ['X'] },
    most: { stock: 1, fault: 1, start: 1 },
    shows: ['B17'],
  },
  {
    ...{ name: 'a cart wants what a box holds', boxes: 1, codes: 1, tills: ['A'], carts: ['X'], after: HELD },
    most: { stock: 1, fault: 1, start: 1, backup: 1, restore: 1 },
    shows: ['B8', 'B9'],
  },
  {
    ...{ name: 'a cart, a box, and its witness away', boxes: 1, codes: 1, tills: ['A'], carts: ['X'], after: HELD },
    most: { stock: 1, fault: 1, start: 2, backup: 1, restore: 1, witness: 2 },
    shows: ['B18'],
  },
  {
    ...{ name: 'a box tells what it holds', boxes: 1, codes: 1, tills: ['A'], carts: ['X'] },
    most: { stock: 1, sync: 2, line: 1 },
    shows: ['B12'],
  },
  {
    ...{ name: 'carts take a code back and again', boxes: 1, codes: 1, tills: [], carts: ['A', 'X', 'Y'] },
    most: { reversal: 3 },
    shows: ['B13'],
  },
  {
    ...{ name: 'greetings late and twice', boxes: 1, codes: 1, tills: ['A'], carts: [], handshake: true },
    most: { stock: 1, hello: 1, greeting: 1 },
    shows: ['B14', 'B23'],
  },
  {
    ...{ name: 'greetings of a box that was put back', boxes: 1, codes: 1, tills: ['A', 'B'], carts: [] },
    after: HELD,
    most: { stock: 1, start: 1, backup: 1, restore: 1, hello: 1, greeting: 1 },
    shows: ['B6'],
  },
  {
    ...{ name: 'reservations end, clocks differ', boxes: 1, codes: 1, tills: ['A'], carts: ['X'] },
    ...{ instants: [0, RESERVATION_MS + SECOND], behindMs: 90 * SECOND },
    most: { stock: 1, tick: 2, void: 1 },
    shows: ['B1', 'B4'],
  },
  {
    ...{ name: 'a store tells of its sale after the end', boxes: 1, codes: 1, tills: ['A'], carts: ['X'] },
    instants: [0, RESERVATION_MS - HOUR, RESERVATION_MS + HOUR],
    most: { stock: 1, tick: 2 },
    shows: ['B2'],
  },
  {
    ...{ name: 'a void while a store holds the code', boxes: 1, codes: 1, tills: ['A'], carts: ['X'] },
    most: { stock: 1, void: 1, reversal: 1 },
    shows: ['B21'],
  },
  {
    ...{ name: 'a void, and grants that were lost', boxes: 1, codes: 1, tills: ['A'], carts: [] },
    instants: [0, 2 * HOUR, RESERVATION_MS + HOUR],
    most: { stock: 1, void: 1, sync: 1, tick: 1 },
    shows: ['B20'],
  },
  {
    ...{ name: 'an extension that comes late', boxes: 1, codes: 1, tills: ['A'], carts: ['X'], after: EXTENDED },
    // The cloud's clock is set back once.
    instants: [0, 8 * HOUR, 0, RESERVATION_MS + HOUR / 2],
    wrongMs: HOUR,
    most: { stock: 2, void: 1, heartbeat: 1, reversal: 1, tick: 1, clock: 2 },
    shows: ['B19'],
  },
  {
    ...{ name: 'reversals, and a disk that is put back', boxes: 1, codes: 1, tills: ['A'], carts: [] },
    most: { stock: 1, reversal: 1, start: 1, backup: 1, restore: 1 },
    shows: ['B22'],
  },
  {
    ...{ name: 'two stores scan one code', boxes: 2, codes: 1, tills: ['A'], carts: [] },
    most: { want: 2 },
    shows: [],
  },
  {
    ...{ name: 'baskets of two codes', boxes: 1, codes: 2, tills: ['A'], carts: ['X'] },
    after: [...HELD.slice(0, 1), 'code 1 is stocked', ...HELD.slice(1)],
    most: { stock: 2 },
    shows: [],
  },
];
