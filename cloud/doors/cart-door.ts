import { z } from 'zod';
import { type Problem, problem } from '../../protocol/problem.ts';
import {
  basketIdSchema,
  type Decision,
  redemptionRoutes,
  redemptionSchema,
  saleOf,
  type ValidationRequest,
} from '../../protocol/redemption-api.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Conflict, Ledger } from '../ledger/port.ts';
import { type Call, type Endpoint, withBody, withoutBody } from './http.ts';
import { type IdempotencyStore, keyProblem } from './idempotency.ts';

const cart = { scope: 'cart', tag: 'Carts' } as const;

/** The redemption API for online carts: `cart:CLIENT` by the token's name. And what became of a code, for the desk. */
export function cartDoor(ledger: Ledger, keys: IdempotencyStore, now: () => number): Endpoint[] {
  const { validate, redeem, reverse, release, basket } = redemptionRoutes;
  /** The key is looked at first: a call that is refused for it has changed nothing. */
  const guarded =
    <B, T>(route: string, handle: (call: Call<B>) => Promise<Result<T, Problem>>) =>
    async (call: Call<B>): Promise<Result<T, Problem>> => {
      const refusal = await keyProblem(keys, route, call, now());
      return refusal === null ? handle(call) : err(refusal);
    };

  return [
    withBody(
      { ...validate, ...cart },
      guarded('validate', async ({ client, body }) =>
        answerOf(body, await ledger.validate({ client, ...saleOf(body) })),
      ),
    ),
    withBody(
      { ...redeem, ...cart },
      guarded('redeem', async ({ client, body }) => answerOf(body, await ledger.redeem({ client, ...saleOf(body) }))),
    ),
    withBody(
      { ...reverse, ...cart },
      guarded('reverse', async ({ client, body }) =>
        ok(await ledger.reverse({ ...body, client, door: body.door ?? null })),
      ),
    ),
    withBody(
      { ...release, ...cart },
      guarded('release', async ({ client, body }) => {
        await ledger.release({ ...body, client });
        return ok({ released: true } as const);
      }),
    ),
    withoutBody({ ...basket, ...cart }, async ({ client, param }) => {
      const id = basketIdSchema.safeParse(param('basket'));
      if (!id.success) return err(problem('invalid_request', { field: 'basket' }));
      return ok(await ledger.basket(client, id.data));
    }),
    withoutBody(codeRoute, async ({ param }) => {
      const history = await ledger.history(param('code'));
      return history === null ? err(problem('not_found')) : ok(history);
    }),
  ];
}

const codeRoute = {
  method: 'GET',
  path: '/v1/codes/{code}',
  scope: 'desk',
  tag: 'Desk',
  summary: 'What a code is and what happened to it.',
  response: z.object({
    state: z.string(),
    campaign: z.string(),
    holder: z.string().nullable(),
    redemption: redemptionSchema.nullable(),
    history: z
      .array(
        z.object({ at: z.string(), what: z.string(), where: z.string().nullable(), basket: z.string().nullable() }),
      )
      .readonly(),
  }),
} as const;

type DecisionOrResults = Decision | { results: Decision[] };

/** Asked for one code, one decision is answered; asked for several, a list. */
function answerOf(body: ValidationRequest, decided: Result<Decision[], Conflict>): Result<DecisionOrResults, Problem> {
  if (!decided.ok) return err(conflictProblem(decided.error));
  if (body.codes !== undefined) return ok({ results: decided.value });
  const [decision] = decided.value;
  if (decision === undefined) throw new Error('the ledger gave no decision for the code');
  return ok(decision);
}

function conflictProblem(conflict: Conflict): Problem {
  switch (conflict) {
    case 'basket_conflict':
      return problem('basket_conflict', { field: 'basket' });
    case 'duplicate_code':
      return problem('duplicate_code', { field: 'codes' });
  }
}
