import { validityIn } from '../../protocol/card.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Campaign } from '../ledger/port.ts';
import type { Customers } from './customers.ts';
import type { Giving } from './giving.ts';
import type { Grouped } from './grouped.ts';
import type { Address } from './identity.ts';
import { parseEmail } from './identity.ts';
import type { Assigned, ClaimRefusal, ClaimRequest, KnownIdentity, Post } from './port.ts';
import { type Secrets, sameHash } from './secrets.ts';
import type { ClaimRow, DistributionTx } from './store.ts';
import { seeAtPoster } from './whereabouts.ts';

/** A person asks for a coupon and proves an address by a one-time code that is sent there. */

export type ClaimPorts = {
  readonly grouped: Grouped;
  readonly secrets: Secrets;
  readonly customers: Customers;
  readonly post: Post;
  readonly randomBytes: (size: number) => Buffer;
  readonly now: () => number;
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Long enough for a slow e-mail. */
const PROOF_MS = 10 * MINUTE_MS;
/** Of a million codes five are tried: one guess in two hundred thousand succeeds. */
const PROOF_TRIES_MAX = 5;
/** Somebody mistypes, loses the message, asks again; more is a nuisance to whose address it is. */
const PROOFS_PER_ADDRESS_HOUR_MAX = 5;
/** A household, a café, an office: each message costs money. */
const PROOFS_PER_NETWORK_HOUR_MAX = 60;
/** What one campaign may cost in messages, whoever asks. */
const PROOFS_PER_CAMPAIGN_HOUR_MAX = 20_000;

export async function claim(
  ports: ClaimPorts,
  request: ClaimRequest,
): Promise<Result<{ readonly claim: string; readonly expiresAt: number }, ClaimRefusal>> {
  const { secrets, randomBytes, now, grouped, post } = ports;
  if (!post.serves(request.address.kind)) return err('not_set_up');
  const id = randomBytes(16).toString('hex');
  const proof = sixDigits(randomBytes);
  const expiresAt = now() + PROOF_MS;
  const addressHash = secrets.hashIdentity(request.address);
  const put = await grouped.run(async (tx, giving) => {
    const campaign = await giving.campaign(request.campaign);
    const refusal = await refusalOf(tx, campaign, { addressHash, network: request.network }, now());
    if (refusal !== null) return err(refusal);
    await tx.putClaim({
      id,
      campaign: request.campaign,
      kind: request.address.kind,
      addressHash,
      sealedAddress: secrets.seal(request.address.value, addressPlace(id)),
      language: request.language,
      source: request.source,
      proofHash: secrets.hashProof(id, proof),
      triesLeft: PROOF_TRIES_MAX,
      expiresAt,
      person: await personOf(tx, request.proved, now()),
      assignment: null,
      at: now(),
    });
    return ok(null);
  });
  if (!put.ok) return put;
  const { campaign, address, language, consent } = request;
  await post.sendProof({ claim: id, campaign, address, language, proof, expiresAt, consent });
  return ok({ claim: id, expiresAt });
}

type Proved = Pick<ClaimRow, 'campaign' | 'language'> & {
  readonly assigned: Assigned;
  readonly address: Address;
  readonly customer: string;
};

/** Asked again with the right code, the answer is the same coupon. */
export async function prove(ports: ClaimPorts, id: string, proof: string): Promise<Result<Assigned, ClaimRefusal>> {
  const { grouped, post } = ports;
  const proved = await grouped.run((tx, giving) => proveIn(ports, tx, giving, { id, proof }));
  if (!proved.ok) return proved;
  const { assigned, ...message } = proved.value;
  await post.sendCoupon({ claim: id, assignment: assigned.assignment, ...message });
  return ok(assigned);
}

/** The try, the person and the coupon are one transaction: nobody hears whether a try was right before it is counted. */
async function proveIn(
  ports: ClaimPorts,
  tx: DistributionTx,
  giving: Giving,
  { id, proof }: { readonly id: string; readonly proof: string },
): Promise<Result<Proved, ClaimRefusal>> {
  const { secrets, customers, now } = ports;
  const row = (await tx.takeTry(id)) ? await tx.claim(id) : null;
  if (row === null || row.expiresAt <= now()) return err('not_proved');
  if (!sameHash(secrets.hashProof(id, proof), row.proofHash)) return err('not_proved');
  const { campaign, language, source } = row;
  const address = addressOf(secrets, row);
  const identities = await identitiesOf(customers, tx, row, address);
  const customer = await customers.personIn(tx, { identities, facts: { language } });
  const assigned = await giving.give({ campaign, customer, how: 'demand', channel: 'web', source, personal: null });
  if (!assigned.ok) return assigned;
  if (await tx.proveClaim(id, assigned.value.assignment)) await seeAtPoster(tx, customer, row.source, ports.now());
  return ok({ assigned: assigned.value, campaign, address, customer, language });
}

async function refusalOf(
  tx: DistributionTx,
  campaign: Campaign | null,
  { network, addressHash }: { readonly network: string; readonly addressHash: string },
  now: number,
): Promise<ClaimRefusal | null> {
  if (campaign === null) return 'unknown_campaign';
  const { id, card } = campaign;
  if (validityIn(card, card.timeZone).endsAt <= now) return 'ended';
  const startsAt = Math.floor(now / HOUR_MS) * HOUR_MS;
  const span = { startsAt, endsAt: startsAt + HOUR_MS };
  const limits = [
    ['network', network, PROOFS_PER_NETWORK_HOUR_MAX],
    ['address', addressHash, PROOFS_PER_ADDRESS_HOUR_MAX],
    ['campaign', id, PROOFS_PER_CAMPAIGN_HOUR_MAX],
  ] as const;
  for (const [what, key, most] of limits) {
    if (await tx.countTry(`claim by ${what} ${key}`, span, most)) continue;
    return { tooMany: what, retryAfterSeconds: Math.ceil((span.endsAt - now) / 1_000) };
  }
  return null;
}

/** Whoever has just proved one address is one person with who proves a second: a link alone, which may be passed on, is not. */
async function personOf(tx: DistributionTx, claim: string | null, now: number): Promise<string | null> {
  const proved = claim === null ? null : await tx.claim(claim);
  if (proved === null || proved.assignment === null || proved.expiresAt <= now) return null;
  return (await tx.assignments([proved.assignment]))[0]?.customer ?? null;
}

async function identitiesOf(
  customers: Customers,
  tx: DistributionTx,
  row: ClaimRow,
  address: Address,
): Promise<readonly [KnownIdentity, ...KnownIdentity[]]> {
  const person = row.person === null ? null : await customers.viewIn(tx, row.person);
  const known = (person?.identities ?? []).flatMap(({ kind, value, verified }) => {
    const identity = kind === 'number' ? { kind, value, key: value } : keptAddress(kind, value);
    return identity === null ? [] : [{ identity, verified }];
  });
  return [{ identity: address, verified: true }, ...known];
}

function addressOf(secrets: Secrets, row: ClaimRow): Address {
  const address = keptAddress(row.kind, secrets.open(row.sealedAddress, addressPlace(row.id)));
  if (address === null) throw new Error(`the address of the claim ${row.id} was good when it came`);
  return address;
}

/** A telephone number is kept in its one form. */
function keptAddress(kind: 'phone' | 'email', value: string): Address | null {
  if (kind === 'phone') return { kind, value, key: value };
  const parsed = parseEmail(value);
  return parsed.ok ? parsed.value : null;
}

const addressPlace = (claim: string): string => `address of claim ${claim}`;

/** Every one of the million is as likely as any other: what would favour the first ones is drawn again. */
function sixDigits(randomBytes: (size: number) => Buffer): string {
  for (;;) {
    const drawn = randomBytes(4).readUInt32BE();
    if (drawn < 4_294_000_000) return String(drawn % 1_000_000).padStart(6, '0');
  }
}
