import { z } from 'zod';
import { type Code, formatCode } from '../../protocol/code.ts';
import { type Problem, problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import type { IssueRefusal, Ledger } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import { type Endpoint, withBody, withoutBody } from './http.ts';

/** One request that ends within minutes; who needs more asks again. */
const CODES_PER_STACK_MAX = 5_000_000;

/** Stacks of codes: generated, handed out as CSV, and single codes withdrawn. */
export function stackDoor(ledger: Ledger, log: Log): Endpoint[] {
  return [
    withBody(routes.generate, async ({ body, param }) => {
      const issued = await ledger.issueStack(param('id'), body.count);
      return issued.ok ? issued : err(issueProblem(issued.error));
    }),
    withoutBody(routes.codes, async ({ param }) => {
      const stack = param('id');
      const codes = await ledger.stackCodes(stack);
      return codes === null ? err(problem('not_found')) : csvResponse(stack, csvLines(stack, codes, log));
    }),
    withoutBody(routes.void, async ({ param }) => voidAnswer(await ledger.voidCode(param('code')))),
  ];
}

const routes = {
  generate: {
    scope: 'admin',
    tag: 'Campaigns',
    method: 'POST',
    path: '/v1/campaigns/{id}/stacks',
    status: 201,
    summary: 'Issue a stack of new codes: all of them, or none where a cap would be exceeded.',
    body: z.strictObject({ count: z.int().min(1).max(CODES_PER_STACK_MAX) }),
    response: z.object({ id: z.string(), count: z.int() }),
  },
  codes: {
    scope: 'admin',
    tag: 'Campaigns',
    method: 'GET',
    path: '/v1/stacks/{id}/codes.csv',
    summary: 'The codes of a stack, one a line under a header line. Streamed. Guard the file: a code is money.',
    response: z.string(),
    responseType: 'text/csv',
  },
  void: {
    scope: 'admin',
    tag: 'Campaigns',
    method: 'POST',
    path: '/v1/codes/{code}/void',
    summary:
      'Kill a code for good. `void_pending`: a store holds it; final when the store answers or its reservation ends.',
    response: z.object({ state: z.enum(['voided', 'void_pending']) }),
  },
} as const;

function issueProblem(refusal: IssueRefusal): Problem {
  switch (refusal.why) {
    case 'unknown_campaign':
      return problem('not_found');
    case 'cap_exceeded':
      return problem('cap_exceeded', {
        field: 'count',
        ...(refusal.unitsLeft === null ? {} : { detail: `${refusal.unitsLeft} more can be issued.` }),
      });
  }
}

function voidAnswer(outcome: Awaited<ReturnType<Ledger['voidCode']>>) {
  switch (outcome) {
    case 'voided':
    case 'void_pending':
      return ok({ state: outcome });
    case 'already_redeemed':
      return err(problem('conflict', { detail: 'The code is redeemed.' }));
    case 'unknown_code':
      return err(problem('not_found'));
  }
}

/** A chunk is fetched when the reader has taken the one before: a slow reader costs one chunk of memory. */
function csvResponse(stack: string, lines: AsyncIterable<Uint8Array>): Response {
  return new Response(ReadableStream.from(lines), {
    headers: {
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': `attachment; filename="${stack.replace(/[^A-Za-z0-9_-]/g, '')}.csv"`,
    },
  });
}

async function* csvLines(
  stack: string,
  chunks: AsyncIterable<readonly Code[]>,
  log: Log,
): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder();
  yield encoder.encode('code\n');
  try {
    for await (const codes of chunks) yield encoder.encode(codes.map((code) => `${formatCode(code)}\n`).join(''));
  } catch (error) {
    log.error({ err: error, stack }, 'a file of codes broke off');
    // The connection breaks with it: a part must not look like the whole.
    throw new Error('a file of codes broke off');
  }
}
