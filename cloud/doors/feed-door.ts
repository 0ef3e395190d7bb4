import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import { fedItem, fedItemSchema } from '../feeds/fed-item.ts';
import { FEED_BYTES_MAX, FEED_ITEMS_MAX, FEED_LINES_MAX, takeFeedFile } from '../feeds/feed-file.ts';
import { FED_REASONS } from '../ledger/code-rules.ts';
import { FEED_REFUSALS, type Ledger } from '../ledger/port.ts';
import { type Endpoint, unreadableHeader, withBodyOrUpload } from './http.ts';

/** Tills and shops that go on redeeming by themselves: what they did is fed in afterwards [C15]. */
export function feedDoor(ledger: Ledger): Endpoint[] {
  return [
    withBodyOrUpload(
      route,
      async ({ body, client }) => ok({ results: await ledger.feed(client, body.redemptions.map(fedItem)) }),
      async ({ client, header }, bytes) => {
        const field = unreadableHeader(header);
        if (field !== null) return err(problem('unsupported_media_type', { field, detail: 'UTF-8, as it is.' }));
        const taken = await takeFeedFile(bytes, (items) => ledger.feed(client, items));
        return taken.ok ? taken : err(problem('import_refused', { errors: [taken.error] }));
      },
    ),
  ];
}

const fedAnswerSchema = z.union([
  z.object({
    outcome: z.enum(['taken', 'exception']),
    reason: z.enum(FED_REASONS).nullable(),
    redemption: z.string().nullable(),
    /** Told before: nothing was changed. */
    again: z.boolean(),
  }),
  z.object({ outcome: z.literal('refused'), reason: z.enum(FEED_REFUSALS) }),
]);

const linesSchema = z.object({
  count: z.int(),
  first: z.array(z.object({ line: z.int(), why: z.string() })).readonly(),
});

const route = {
  scope: 'cart',
  tag: 'Carts',
  method: 'POST',
  path: '/v1/redemptions/feed',
  summary:
    'What a till or a shop has redeemed or reversed by itself. Each item is evidence and is answered in its place; told again, it is answered the same and changes nothing.',
  body: z.strictObject({ redemptions: z.array(fedItemSchema).min(1).max(FEED_ITEMS_MAX) }),
  upload: {
    type: 'text/csv',
    description:
      'UTF-8, RFC 4180. The first line names the columns, in any order: `code`, `at` (RFC 3339) and `basket` are needed; `what` ' +
      '(`redeemed` or `reversed`), `store` (left out: online), `lane`, `total`, `discount` (minor units) and `currency` may be ' +
      `left out. Good lines are taken and bad ones named by line, the first hundred. At most ${FEED_LINES_MAX} lines and ` +
      `${FEED_BYTES_MAX} bytes.`,
  },
  response: z.union([
    z.object({ results: z.array(fedAnswerSchema) }),
    z.object({
      lines: z.int(),
      taken: z.int(),
      again: z.int(),
      exceptions: linesSchema,
      refused: linesSchema,
    }),
  ]),
} as const;
