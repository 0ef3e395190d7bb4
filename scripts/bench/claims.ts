import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parsePhone } from '../../cloud/distribution/identity.ts';
import { BareCodes } from './bare/codes.ts';
import { type DistributionRoom, openDistribution } from './distribution-room.ts';
import { type Bench, type Figure, rateFigure } from './figure.ts';
import { rates } from './measure.ts';

const IN_FLIGHT = 256;
/** A claim is two answers, each of one commit of many rows: an address counted and a proof noted; a try, a person, a coupon. */
const SHARE_MIN = 0.05;

/** Claims proved and answered with a coupon, 256 at once; bare: rows inserted, 256 a commit. */
export async function claims(bench: Bench): Promise<Figure[]> {
  const blocks = { blocks: 5, perBlock: IN_FLIGHT * (bench.isQuick ? 2 : 10) };
  const proofsByClaim = new Map<string, string>();
  const room = await openDistribution(join(bench.directory, 'ledger.sqlite'), {
    serves: () => true,
    sendCoupon: async () => undefined,
    async sendProof({ claim, proof }) {
      proofsByClaim.set(claim, proof);
    },
  });
  bench.atEnd(() => room.close());
  const bare = new BareCodes(join(bench.directory, 'bare.sqlite'));
  bench.atEnd(() => bare.close());
  let person = 0;
  const nextPerson = () => {
    person += 1;
    return person;
  };
  const { result, probe } = await bench.disk.around(() =>
    rates(blocks, {
      ours: async () => {
        for (let done = 0; done < blocks.perBlock; done += IN_FLIGHT)
          await Promise.all(Array.from({ length: IN_FLIGHT }, () => claimOne(room, proofsByClaim, nextPerson())));
      },
      bare: async () => {
        for (let done = 0; done < blocks.perBlock; done += IN_FLIGHT) {
          bare.insert(Array.from({ length: IN_FLIGHT }, () => randomBytes(32)));
          await new Promise(setImmediate);
        }
      },
    }),
  );
  const title = `claims proved and given a coupon, ${IN_FLIGHT} in flight; bare: rows inserted, ${IN_FLIGHT} a commit`;
  return [rateFigure({ name: 'claims', title, probe }, blocks.blocks * blocks.perBlock, result, SHARE_MIN)];
}

/** Each from a network of its own: what limits a network is not what is measured. */
async function claimOne({ distribution, campaign }: DistributionRoom, proofs: Map<string, string>, n: number) {
  const address = parsePhone(`+4915${String(100_000_000 + n)}`, null);
  if (!address.ok) throw new Error(address.error);
  const request = { campaign, address: address.value, language: 'en', source: {}, network: `network ${n}` };
  const claimed = await distribution.claim({ ...request, proved: null, consent: null });
  if (!claimed.ok) throw new Error(`a claim was refused: ${JSON.stringify(claimed.error)}`);
  const proved = await distribution.prove(claimed.value.claim, proofs.get(claimed.value.claim) ?? '');
  if (!proved.ok || !proved.value.isNew) throw new Error('a proved claim was given no coupon');
  proofs.delete(claimed.value.claim);
}
