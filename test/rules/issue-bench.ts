import { randomBytes } from 'node:crypto';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { cardOfCode } from '../../cloud/ledger/reports.ts';
import { issueDoor } from '../../cloud/doors/issue-door.ts';
import { type BlankText, blankKeyOf, openBlank } from '../../protocol/blank-seal.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import type { EntryOf } from '../../protocol/journal.ts';
import type { IssueView } from '../../protocol/issue-api.ts';
import type { Problem } from '../../protocol/problem.ts';
import type { Box, Held, World } from './ledger-world.ts';

/** The cart's door to issues, over the ledger of a world; asked as HTTP would ask it. */

export const FACES = 'https://coupons.example/c/';

export function cartIssues(world: World) {
  const now = () => world.clock.now;
  const distribution = createDistribution({
    store: sqliteDistributionStore(world.database),
    ...{ ledger: world.ledger, randomBytes, now },
    post: { serves: () => true, sendProof: async () => undefined, sendCoupon: async () => undefined },
    keys: { fleetKey: Buffer.alloc(32, 7), sealKey: Buffer.alloc(32, 8) },
  });
  const idempotency = { remember: async (use: { bodyHash: string }) => use.bodyHash, forgetBefore: async () => {} };
  const [endpoint] = issueDoor({
    distribution,
    cardOf: (code) => cardOfCode(world.store, code),
    idempotency,
    faceUrl: (l) => FACES + l,
    now,
  });
  if (endpoint === undefined) throw new Error('no door');
  const ask = async (body: object, client = 'shop') => {
    const call = { client, remote: '', param: () => '', header: () => undefined, target: '' };
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

const KEY = blankKeyOf(readPrivateKey(makeKeyPair().privatePem));

/** A box that tells its key and issues what it is sent; what it does is up to the test. */
export function issuer(world: World, box: Box) {
  const text = ({ sealed = '', codeHash }: Held): BlankText => {
    const opened = openBlank(KEY, sealed, { gateway: box.id, codeHash });
    if (!opened.ok) throw new Error('a blank cannot be read');
    return opened.value;
  };
  const blanks = () => [...box.held.values()].filter(({ sealed }) => sealed !== undefined);
  return {
    blanks,
    text,
    codes: () => blanks().map((held) => text(held).code),
    async tellKey(request: { id: string; campaign: string } | null = null, publicKey = KEY.publicKey): Promise<void> {
      await box.send({ type: 'blanks', body: { publicKey, request } });
    },
    /** As the cloud does once a second. */
    async tick(): Promise<void> {
      await world.ledger.tick();
      await box.take();
    },
    /** Journals it; from then on it is as a code that was fetched. @returns what stands on the coupon */
    issue(basket: string, changes: Partial<EntryOf<'issued'>> = {}): BlankText {
      const held = blanks()[0];
      if (held === undefined) throw new Error('there is no blank');
      const { sealed: _sealed, ...plain } = held;
      box.held.set(held.reservation, plain);
      const { reservation, codeHash, generation, campaign } = held;
      box.write({
        ...{ kind: 'issued', reservation, codeHash, generation, campaign, basket },
        ...{ lane: '1', total: null, customer: null, at: world.clock.now, timeProven: true },
        ...changes,
      });
      return text(held);
    },
  };
}
