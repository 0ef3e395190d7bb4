import { z } from 'zod';
import { IMPORT_BYTES_MAX, IMPORT_LINES_MAX } from '../../protocol/limits.ts';
import { type Problem, problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import type { ImportRefusal, Ledger } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import { csvFile, type CsvLine } from './csv.ts';
import { type Endpoint, unreadableHeader, withBodyOrUpload, withoutBody } from './http.ts';

/** One request that ends within minutes; who needs more asks again. */
const CODES_PER_STACK_MAX = 5_000_000;

/** Stacks of codes: generated or imported, handed out as CSV, and single codes withdrawn. */
export function stackDoor(ledger: Ledger, log: Log): Endpoint[] {
  return [
    withBodyOrUpload(
      routes.issue,
      async ({ body, param }) => {
        const issued = await ledger.issueStack(param('id'), body.count);
        return issued.ok ? issued : err(issueProblem(issued.error, 'count'));
      },
      async ({ param, header }, bytes) => {
        const field = unreadableHeader(header);
        if (field !== null) return err(problem('unsupported_media_type', { field, detail: 'UTF-8, as it is.' }));
        if (Number(header('content-length') ?? 0) > IMPORT_BYTES_MAX) return err(issueProblem({ why: 'too_large' }));
        const imported = await ledger.importStack(param('id'), bytes);
        return imported.ok ? imported : err(issueProblem(imported.error));
      },
    ),
    withoutBody(routes.codes, async ({ param }) => {
      const stack = param('id');
      const codes = await ledger.stackCodes(stack);
      return codes === null ? err(problem('not_found')) : csvFile(stack, csvLines(stack, codes, log));
    }),
    withoutBody(routes.void, async ({ param }) => voidAnswer(await ledger.voidCode(param('code')))),
  ];
}

const routes = {
  issue: {
    scope: 'admin',
    tag: 'Campaigns',
    method: 'POST',
    path: '/v1/campaigns/{id}/stacks',
    status: 201,
    summary:
      'Issue a stack: of new codes, or of codes made elsewhere. All of them, or none where a cap would be exceeded or a line is bad.',
    body: z.strictObject({ count: z.int().min(1).max(CODES_PER_STACK_MAX) }),
    upload: {
      type: 'text/csv',
      description:
        'Codes made elsewhere, each once: UTF-8, RFC 4180, the code first in each line, other columns left alone, a first ' +
        'line that says `code` is the header. A code is 1 to 96 printable ASCII characters and is kept as given; case, ' +
        'white space and hyphens do not count when it is read, O is 0, I and L are 1. Codes of digits alone must all begin ' +
        'with the same three. GS1 coupons need a serial number. What is wrong is answered as `import_refused` with `errors` ' +
        'by line, at most a hundred.',
    },
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

function issueProblem(refusal: ImportRefusal, field?: 'count'): Problem {
  switch (refusal.why) {
    case 'unknown_campaign':
      return problem('not_found');
    case 'cap_exceeded':
      return problem('cap_exceeded', {
        ...(field === undefined ? {} : { field }),
        ...(refusal.unitsLeft === null ? {} : { detail: `${refusal.unitsLeft} more can be issued.` }),
      });
    case 'bad_lines':
      return problem('import_refused', { detail: badLines(refusal), errors: refusal.errors });
    case 'no_codes':
      return problem('import_refused', { detail: 'There is no code in it.' });
    case 'too_many_forms':
      return problem('import_refused', {
        detail:
          'The codes of this campaign look too different from each other. Import these into a campaign of their own.',
      });
    case 'broken_off':
      return problem('import_refused', { detail: 'It broke off before its end.' });
    case 'too_large':
      return problem('body_too_large', {
        detail: `A file may have ${IMPORT_LINES_MAX} lines and ${IMPORT_BYTES_MAX} bytes. Import it in parts.`,
      });
  }
}

function badLines({ count, errors }: Extract<ImportRefusal, { why: 'bad_lines' }>): string {
  const are = count === 1 ? 'One line is bad.' : `${count} lines are bad.`;
  return errors.length < count ? `${are} The first ${errors.length} are told.` : are;
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

async function* csvLines(
  stack: string,
  chunks: AsyncIterable<readonly string[]>,
  log: Log,
): AsyncGenerator<readonly CsvLine[], void> {
  yield [['code']];
  try {
    for await (const codes of chunks) yield codes.map((code) => [code]);
  } catch (error) {
    log.error({ err: error, stack }, 'a file of codes broke off');
    // The connection breaks with it: a part must not look like the whole.
    throw new Error('a file of codes broke off');
  }
}
