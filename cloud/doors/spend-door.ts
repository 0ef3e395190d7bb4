import { z } from 'zod';
import { type Problem, problem } from '../../protocol/problem.ts';
import { err } from '../../protocol/result.ts';
import type { AttributionPorts } from '../reports/attribution.ts';
import {
  type SpendRefusal,
  SPEND_COLUMNS,
  SPEND_LINES_MAX,
  spendRowSchema,
  takeSpend,
  takeSpendFile,
} from '../reports/spend.ts';
import { type Endpoint, unreadableHeader, withBodyOrUpload } from './http.ts';

/** What ads cost, imported. */
export function spendDoor(ports: AttributionPorts): Endpoint[] {
  return [
    withBodyOrUpload(
      route,
      async ({ body, param }) => {
        const taken = await takeSpend(ports, param('id'), body.rows);
        return taken.ok ? taken : err(spendProblem(taken.error));
      },
      async ({ param, header }, bytes) => {
        const field = unreadableHeader(header);
        if (field !== null) return err(problem('unsupported_media_type', { field, detail: 'UTF-8, as it is.' }));
        const taken = await takeSpendFile(ports, param('id'), bytes);
        return taken.ok ? taken : err(spendProblem(taken.error));
      },
    ),
  ];
}

const route = {
  scope: 'admin',
  tag: 'Reports',
  method: 'POST',
  path: '/v1/campaigns/{id}/spend',
  summary:
    'Impressions, clicks and cost of ads by day, channel and source. A row takes the place of the one that was there for the ' +
    'same day, channel and source, so that a file can be sent again. All rows are taken, or none.',
  body: z.strictObject({ rows: z.array(spendRowSchema).min(1).max(SPEND_LINES_MAX) }),
  upload: {
    type: 'text/csv',
    description:
      `UTF-8, RFC 4180, a header line with some of ${SPEND_COLUMNS.join(', ')}. \`day\` is in the campaign's time zone; ` +
      "`cost` is whole minor units of the campaign's currency, 1250 for 12.50; the parameters are as in the ad's link. " +
      'What is wrong is answered as `import_refused` with `errors` by line, at most a hundred.',
  },
  response: z.object({ rows: z.int() }),
} as const;

function spendProblem(refusal: SpendRefusal): Problem {
  switch (refusal.why) {
    case 'unknown_campaign':
      return problem('not_found');
    case 'too_many_sources':
      return problem('import_refused', { detail: 'This campaign has more sources than can be kept apart.' });
    case 'bad_lines':
      return problem('import_refused', {
        detail: refusal.count === 1 ? 'One line is bad.' : `${refusal.count} lines are bad.`,
        errors: refusal.errors,
      });
  }
}
