import { z } from 'zod';
import { issueRoute } from '../../protocol/issue-api.ts';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';
import { problem } from '../../protocol/problem.ts';
import {
  basketIdSchema,
  type Decision,
  drillRequestSchema,
  redemptionRoutes,
  type RedemptionRequest,
  redemptionSchema,
  saleOf,
  type ValidationRequest,
} from '../../protocol/redemption-api.ts';
import { err, ok } from '../../protocol/result.ts';
import type { Link } from '../cloud-link/link.ts';
import type { SaleRequest, Till } from '../till/port.ts';
import { type Answer, type Call, type DoorOperation, type Endpoint, withBody, withoutBody } from './http.ts';
import type { KeyMemory } from './idempotency.ts';

const tag = 'redemption';
const codeRoute = {
  method: 'GET',
  path: '/v1/codes/{code}',
  summary: 'What this box knows of a code. A look-up never changes anything.',
  response: z.object({
    state: z.string(),
    campaign: z.string().nullable(),
    holder: z.string().nullable(),
    redemption: redemptionSchema.nullable(),
    history: z.array(z.object({ at: z.string().nullable(), what: z.string(), basket: z.string().nullable() })),
  }),
  scope: 'desk',
  tag,
} as const satisfies DoorOperation;
const drillRoute = {
  method: 'POST',
  path: '/v1/drill',
  summary: 'The outage drill: cuts the line to the cloud, or opens it again. It ends by itself.',
  body: drillRequestSchema,
  response: z.object({ line: z.enum(['cut', 'open']), until: z.iso.datetime().nullable() }),
  scope: 'box',
  tag: 'box',
} as const satisfies DoorOperation;

export type RegisterPorts = {
  readonly till: Pick<Till, 'validate' | 'redeem' | 'reverse' | 'release' | 'basket' | 'issue' | 'history'>;
  readonly link: Pick<Link, 'cut' | 'open'>;
  readonly keys: KeyMemory;
  /** Told of each redemption: the page of that lane may show the same sale. */
  readonly sold: (sale: SaleRequest, decisions: readonly Decision[]) => void;
};

/** What registers call, and the drill. */
export function registerDoor({ till, link, keys, sold }: RegisterPorts): Endpoint[] {
  const once = { scope: 'register', tag } as const;
  return [
    withBody(
      { ...redemptionRoutes.validate, ...once },
      keys.guard((call) => sale(call.body, (s) => till.validate(s))),
    ),
    withBody(
      { ...redemptionRoutes.redeem, ...once },
      keys.guard((call) =>
        sale(call.body, async (s) => {
          const decided = await till.redeem(s);
          if (decided.ok) sold(s, decided.value);
          return decided;
        }),
      ),
    ),
    withBody(
      { ...redemptionRoutes.reverse, ...once },
      keys.guard(async ({ body }) => ok(await till.reverse({ ...body, door: body.door ?? null }))),
    ),
    withBody(
      { ...redemptionRoutes.release, ...once },
      keys.guard(async ({ body }) => {
        await till.release(body);
        return ok({ released: true });
      }),
    ),
    withBody(
      { ...issueRoute, ...once },
      keys.guard(async ({ body }) => ok(await till.issue(body))),
    ),
    withoutBody({ ...redemptionRoutes.basket, ...once }, async (call) => {
      const basket = basketIdSchema.safeParse(call.param('basket'));
      return basket.success ? ok(await till.basket(basket.data)) : err(problem('invalid_request', { field: 'basket' }));
    }),
    withoutBody(codeRoute, (call) => lookUp(till, call.param('code'))),
    withBody(drillRoute, async (call) => drill(link, call)),
  ];
}

/** One decision where one code was given, results where a list was. */
async function sale(
  body: ValidationRequest | RedemptionRequest,
  decide: (sale: SaleRequest) => ReturnType<Till['redeem']>,
): Promise<Answer> {
  const decided = await decide(saleOf(body));
  if (!decided.ok) return err(problem(decided.error));
  return ok(body.codes === undefined ? decided.value[0] : { results: decided.value });
}

async function lookUp(till: Pick<Till, 'history'>, code: string): Promise<Answer> {
  if (code.length > CODE_CHARACTERS_READ_MAX) return err(problem('invalid_request', { field: 'code' }));
  const history = await till.history(code);
  return history === null ? err(problem('not_found')) : ok(history);
}

function drill(link: RegisterPorts['link'], { body, caller }: Call<z.output<typeof drillRequestSchema>>): Answer {
  if (body.line === 'cut') {
    const { until } = link.cut(body.minutes, caller?.name ?? '');
    return ok({ line: 'cut', until: new Date(until).toISOString() });
  }
  link.open();
  return ok({ line: 'open', until: null });
}
