import { randomBytes } from 'node:crypto';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { issueDoor } from '../../cloud/doors/issue-door.ts';
import type { IssueView } from '../../protocol/issue-api.ts';
import type { Problem } from '../../protocol/problem.ts';
import type { World } from './ledger-world.ts';

/** The cart's door to issues, over the ledger of a world; asked as HTTP would ask it. */

export const FACES = 'https://coupons.example/c/';

export function cartIssues(world: World) {
  const now = () => world.clock.now;
  const distribution = createDistribution({
    store: sqliteDistributionStore(world.database),
    ...{ ledger: world.ledger, randomBytes, now },
    post: { sendProof: async () => undefined },
    keys: { fleetKey: Buffer.alloc(32, 7), sealKey: Buffer.alloc(32, 8) },
  });
  const idempotency = { remember: async (use: { bodyHash: string }) => use.bodyHash, forgetBefore: async () => {} };
  const [endpoint] = issueDoor({ distribution, ledger: world.ledger, idempotency, faceUrl: (l) => FACES + l, now });
  if (endpoint === undefined) throw new Error('no door');
  const ask = async (body: object, client = 'shop') => {
    const call = { client, remote: '', param: () => '', header: () => undefined };
    const headers = { 'content-type': 'application/json' };
    const request = new Request('http://x/v1/issues', { method: 'POST', body: JSON.stringify(body), headers });
    return endpoint.serve(call, request);
  };
  return {
    distribution,
    async issue(body: object, client?: string): Promise<IssueView> {
      const answer = await ask({ campaign: 'spring', ...body }, client);
      if (answer instanceof Response || !answer.ok) throw new Error(JSON.stringify(answer));
      return answer.value as IssueView;
    },
    async refused(body: object): Promise<Problem> {
      const answer = await ask(body);
      if (answer instanceof Response || answer.ok) throw new Error('it was not refused');
      return answer.error;
    },
  };
}
