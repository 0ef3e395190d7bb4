import type { Around as CloudAround, Parts as CloudParts } from '../../cloud/main.ts';
import type { LedgerTx } from '../../cloud/ledger/store.ts';
import type { Connection } from '../../gateway/cloud-link/connection.ts';
import type { Around as GatewayAround, Parts as GatewayParts } from '../../gateway/main.ts';
import { downSchemas, upSchemas } from '../../protocol/messages.ts';

/**
 * Where a process can die such that somebody could notice: around every method of a port that makes something durable or
 * lets something be seen. A method that does neither says why it has no point; one that is not listed fails a test.
 */
type Rule =
  /** Died just before it, and just after. */
  | { readonly is: 'point' }
  /** Also after its answer went out. */
  | { readonly is: 'door' }
  /** A point for each type of message. */
  | { readonly is: 'message'; readonly types: readonly string[] }
  | { readonly is: 'none'; readonly why: string };
type Rules<T> = Readonly<Record<keyof T & string, Rule>>;

const point: Rule = { is: 'point' };
const door: Rule = { is: 'door' };
const message = (schemas: object): Rule => ({ is: 'message', types: Object.keys(schemas) });
const none = (why: string): Rule => ({ is: 'none', why });

const reads = none('reads');
const within = none('inside a transaction: its commit is the point');
const stopping = none('a stop in good order');

/** The store and the till that run have one method more than their ports ask for. */
const tillStore: Rules<GatewayParts['store'] & { serialize: unknown }> = {
  commit: point,
  begin: within,
  apply: within,
  rollback: within,
  checkpoint: none('what it moves is committed'),
  make: none('enrolment: nothing can be lost yet'),
  isMade: reads,
  box: reads,
  code: reads,
  reservation: reads,
  installedUpTo: reads,
  due: reads,
  cards: reads,
  forms: reads,
  holdings: reads,
  holding: reads,
  blanks: reads,
  blank: reads,
  issue: reads,
  issuedText: reads,
  basket: reads,
  scans: reads,
  hashAt: reads,
  entries: reads,
  oldestAt: reads,
  epochs: reads,
  evidence: reads,
  serialize: reads,
  close: stopping,
};

const witness: Rules<GatewayParts['witness']> = { read: reads, write: point };

const connection: Rules<Connection> = { publish: message(upSchemas), close: stopping };

const till: Rules<GatewayParts['till'] & { start: unknown }> = {
  validate: door,
  redeem: door,
  reverse: door,
  release: door,
  leave: none('what ends is committed by the store'),
  issue: door,
  basket: door,
  history: door,
  receive: message(downSchemas),
  lineIs: none('what follows is committed by the store'),
  start: none('called once, before anybody knows it'),
  tick: none('what is due is committed by the store'),
  sender: reads,
  hello: none('goes out by the connection'),
  unsettled: reads,
  heartbeat: none('goes out by the connection'),
  holdings: reads,
  state: reads,
  status: reads,
  close: stopping,
};

const ledgerStore: Rules<CloudParts['store']> = { transaction: point, read: reads, close: stopping };

const distributionStore: Rules<CloudParts['distribution']> = { transaction: point, read: reads };

const postStore: Rules<CloudParts['post']> = { transaction: point, read: reads };

/** Before it: the attempt is on the disk, and not made. After it: the server has the mail, and nobody has noted so. */
const mailer: Rules<CloudParts['mailer']> = { send: point, close: stopping };

const ledgerTx: Rules<LedgerTx> = {
  write: point,
  makeBlanks: point,
  putIncarnation: none('the first start: nothing can be lost yet'),
  putStore: point,
  putCampaign: point,
  putStack: point,
  issue: point,
  stage: point,
  makeWhole: point,
  unstage: none('of what nobody was told: cut short, it is done again at the next start'),
  dropStack: none('the same'),
  incarnation: reads,
  codes: reads,
  reservations: reads,
  redemptions: reads,
  redemptionsOfBasket: reads,
  reversals: reads,
  uses: reads,
  fed: reads,
  waits: reads,
  issueOf: reads,
  named: reads,
  blankText: reads,
  blanksHeldBy: reads,
  blanksIn: reads,
  gateways: reads,
  allGateways: reads,
  gatewaysOf: reads,
  campaigns: reads,
  allCampaigns: reads,
  counts: reads,
  ownEnds: reads,
  campaignVersions: reads,
  oldTerms: reads,
  stores: reads,
  codesHeldBy: reads,
  anyHeldEndsBefore: reads,
  countHeldBy: reads,
  heads: reads,
  entriesOfCode: reads,
  entriesAfter: reads,
  journalAfter: reads,
  journalHash: reads,
  taken: reads,
  stack: reads,
  stackChunk: reads,
  unfinishedStacks: reads,
  comingStacks: reads,
  exceptions: reads,
  outbox: reads,
  outboxGateways: reads,
  holdsEnded: reads,
  reservationsEnded: reads,
  recallsLapsed: reads,
  waitsEnded: reads,
  codesToDeal: reads,
};

const carrier: Rules<CloudParts['carrier']> = { publish: message(downSchemas) };

const ledger: Rules<CloudParts['ledger']> = {
  validate: door,
  redeem: door,
  reverse: door,
  release: door,
  feed: door,
  basket: door,
  history: door,
  createCampaign: door,
  changeCampaign: door,
  personalise: door,
  createStore: door,
  issueStack: door,
  importStack: door,
  stackCodes: door,
  voidCode: door,
  voidHash: none('asked again each second until it is done'),
  stock: door,
  place: door,
  addGateway: door,
  revoke: door,
  receive: message(upSchemas),
  published: point,
  gatewayGone: point,
  campaigns: reads,
  campaign: reads,
  standing: reads,
  exposure: reads,
  campaignVersions: reads,
  oldTerms: reads,
  watchCampaign: reads,
  watchCode: reads,
  stores: reads,
  gateways: reads,
  gatewayKey: reads,
  brokerLogin: reads,
  exceptions: reads,
  outbox: reads,
  incarnation: none('a value'),
  ready: reads,
  tick: none('what is due is committed by the store'),
  close: stopping,
};

const enrolments: Rules<CloudParts['enrolments']> = { add: point, claim: point };

/** By the port's place; every method of it. */
export const PORTS = {
  'gateway store': tillStore,
  'gateway witness': witness,
  'gateway connection': connection,
  'gateway till': till,
  'cloud store': ledgerStore,
  'cloud transaction': ledgerTx,
  'cloud distribution': distributionStore,
  'cloud post': postStore,
  'cloud mailer': mailer,
  'cloud carrier': carrier,
  'cloud ledger': ledger,
  'cloud enrolments': enrolments,
} as const satisfies Record<string, Readonly<Record<string, Rule>>>;
type Port = keyof typeof PORTS;

/** Every crash point, as `gateway till redeem: before`. */
export const POINTS: readonly string[] = Object.entries(PORTS).flatMap(([port, rules]) =>
  Object.entries(rules).flatMap(([method, rule]) => namesOf(`${port} ${method}`, rule)),
);

function namesOf(name: string, rule: Rule): string[] {
  switch (rule.is) {
    case 'point':
      return [`${name}: before`, `${name}: after`];
    case 'door':
      return [`${name}: before`, `${name}: after`, `${name}: answered`];
    case 'message':
      return rule.types.flatMap((type) => [`${name} ${type}: before`, `${name} ${type}: after`]);
    case 'none':
      return [];
  }
}

/** Told of every point as it is passed. */
export type Hit = (name: string) => void;

/** An answer of HTTP has left by then. */
const ANSWERED_MS = 15;

/** What `serve` of the gateway takes, with a word at every point. */
export function aroundGateway(hit: Hit): GatewayAround {
  return {
    store: (part) => watched('gateway store', part, hit),
    witness: (part) => watched('gateway witness', part, hit),
    dial: (dial) => (call, events) => watched('gateway connection', dial(call, events), hit),
    till: (part) => watched('gateway till', part, hit),
  };
}

/** The same of the cloud. */
export function aroundCloud(hit: Hit): CloudAround {
  return {
    store: (part) => {
      const inside: CloudParts['store'] = {
        read: (work) => part.read(work),
        close: () => part.close(),
        transaction: (work) =>
          committed('cloud store', hit, (done) =>
            part.transaction(async (tx) => done(await work(watched('cloud transaction', tx, hit)))),
          ),
      };
      return inside;
    },
    distribution: (part) => ({
      read: (work) => part.read(work),
      transaction: (work) =>
        committed('cloud distribution', hit, (done) => part.transaction(async (tx) => done(await work(tx)))),
    }),
    post: (part) => ({
      read: (work) => part.read(work),
      transaction: (work) =>
        committed('cloud post', hit, (done) => part.transaction(async (tx) => done(await work(tx)))),
    }),
    mailer: (part) => watched('cloud mailer', part, hit),
    ledger: (part) => watched('cloud ledger', part, hit),
    carrier: (part) => watched('cloud carrier', part, hit),
    enrolments: (part) => watched('cloud enrolments', part, hit),
  };
}

/** Before the commit is after the work: the transaction runs both. */
async function committed<T>(port: Port, hit: Hit, transact: (done: (result: T) => T) => Promise<T>): Promise<T> {
  const result = await transact((done) => {
    hit(`${port} transaction: before`);
    return done;
  });
  hit(`${port} transaction: after`);
  return result;
}

function watched<T extends object>(port: Port, part: T, hit: Hit): T {
  const rules: Readonly<Record<string, Rule>> = PORTS[port];
  return new Proxy(part, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key, target);
      if (typeof method !== 'function') return method;
      const rule = rules[String(key)] ?? none('unknown');
      if (rule.is === 'none') return method.bind(target);
      return (...args: unknown[]) => {
        const name = rule.is === 'message' ? `${port} ${String(key)} ${typeOf(args)}` : `${port} ${String(key)}`;
        hit(`${name}: before`);
        return passed(Reflect.apply(method, target, args), name, hit);
      };
    },
  });
}

function passed(result: unknown, name: string, hit: Hit): unknown {
  if (!(result instanceof Promise)) {
    // What was handed to a socket leaves it with the turn of the event loop.
    if (name.includes(' publish ')) setImmediate(() => hit(`${name}: after`));
    else hit(`${name}: after`);
    return result;
  }
  return result.then((value) => {
    hit(`${name}: after`);
    setTimeout(() => hit(`${name}: answered`), ANSWERED_MS);
    return value;
  });
}

/** Of a message as the ports see it: `(header, message)`, or `(topic, bytes)` with the envelope's text behind two dots. */
function typeOf([first, second]: readonly unknown[]): string {
  const text =
    second instanceof Uint8Array
      ? Buffer.from(second)
          .toString()
          .replace(/^[^.]*\.[^.]*\./, '')
      : null;
  const typed: unknown = text === null ? second : JSON.parse(text);
  if (typeof typed === 'object' && typed !== null && 'type' in typed) return String(typed.type);
  throw new Error(`no message: ${String(first)}`);
}
