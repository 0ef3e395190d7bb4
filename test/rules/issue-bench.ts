import { cardOfCode } from '../../cloud/ledger/reports.ts';
import { issueDoor } from '../../cloud/doors/issue-door.ts';
import { type BlankText, blankKeyOf, openBlank } from '../../protocol/blank-seal.ts';
import { hashCustomer } from '../../protocol/code.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import type { EntryOf } from '../../protocol/journal.ts';
import type { IssueView } from '../../protocol/issue-api.ts';
import type { UpBody } from '../../protocol/messages.ts';
import type { Problem } from '../../protocol/problem.ts';
import { type Box, FLEET_KEY, type Held, type World } from './ledger-world.ts';

/** The cart's door to issues, over the ledger of a world; asked as HTTP would ask it. */

export const FACES = 'https://coupons.example/c/';

export function cartIssues(world: World) {
  const now = () => world.clock.now;
  const { distribution } = world;
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

/** The retailer's number, as a box tells it. */
export const asItTravels = (number: string): string => hashCustomer(FLEET_KEY, number);

const KEY = blankKeyOf(readPrivateKey(makeKeyPair().privatePem));

/** A box that tells its key and issues what it is sent; what it does is up to the test. */
export function issuer(world: World, box: Box) {
  const text = ({ sealed = '', codeHash }: Pick<Held, 'sealed' | 'codeHash'>): BlankText => {
    const opened = openBlank(KEY, sealed, { gateway: box.id, codeHash });
    if (!opened.ok) throw new Error('a blank cannot be read');
    return opened.value;
  };
  const blanks = () => [...box.held.values()].filter(({ sealed }) => sealed !== undefined);
  return {
    blanks,
    text,
    codes: () => blanks().map((held) => text(held).code),
    async tellKey(request: UpBody<'blanks'>['request'] = null, publicKey = KEY.publicKey): Promise<void> {
      await box.send({ type: 'blanks', body: { publicKey, request } });
    },
    /** A register names its customer. @returns what stands on the coupon that the cloud tells, or why there is none */
    async ask(number: string, campaign = 'spring'): Promise<BlankText | string> {
      const id = box.newId('request');
      await box.send({
        type: 'blanks',
        body: { publicKey: KEY.publicKey, request: { id, campaign, customer: asItTravels(number) } },
      });
      const told = box.last('coupon');
      if (told?.request === id) return text(told);
      const none = box.last('no_blanks');
      if (none?.request !== id) throw new Error('there was no answer');
      return none.why;
    },
    /** Journals that a basket was given what the cloud told last. */
    issueOwn(basket: string, number: string, changes: Partial<EntryOf<'own_issued'>> = {}): void {
      const told = box.last('coupon');
      if (told === null) throw new Error('nothing was told');
      box.write({
        ...{ kind: 'own_issued', codeHash: told.codeHash, campaign: 'spring', basket, lane: '1', total: null },
        ...{ customer: asItTravels(number), at: world.clock.now, timeProven: true, ...changes },
      });
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
