import { describe, expect, it } from 'vitest';
import type { Card, Clock } from '../../protocol/card.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import { DRIFT_PPM, USE_MS } from '../../protocol/limits.ts';
import type { Down, DownBody } from '../../protocol/messages.ts';
import { isValidated } from '../../gateway/till/box-rules.ts';
import { type Decided, ORDER } from '../../gateway/till/draft-rules.ts';
import { decideExtend, decideGrant } from '../../gateway/till/grant-rules.ts';
import { decideMessage, type KnownForMessage } from '../../gateway/till/message-rules.ts';
import { decideRecall } from '../../gateway/till/recall-rules.ts';
import { decideReversal, type ReversalAnswer } from '../../gateway/till/reversal-rules.ts';
import { decideSale, type SaleAnswer, type SaleCommand, type Verdict } from '../../gateway/till/sale-rules.ts';
import { decideStart, disagreementOf, type WitnessReading } from '../../gateway/till/start-rules.ts';
import { clockAt, hasEnded } from '../../gateway/till/time-rules.ts';
import { uploadable } from '../../gateway/till/upload-rules.ts';
import { decideRelease, decideTick } from '../../gateway/till/upkeep-rules.ts';
import { CODE_HASH, inWords, knownIn, NOW, SITUATIONS, type SituationName, wantOf } from './till-situations.ts';
import { type CommandName, TABLE } from './till-table.ts';
import { card, DOOR, GATEWAY, INCARNATION, T0 } from './till-world.ts';

const item = {
  reservation: 'res-00001',
  codeHash: CODE_HASH,
  lastFour: 'XXXX',
  generation: 0,
  campaign: 'spring',
  cardVersion: 1,
};
const later = T0 + 7_200_000;

const grantOf = (changes: Partial<DownBody<'grant'>> = {}): DownBody<'grant'> => ({
  number: 9,
  cause: { kind: 'stock', request: null },
  manifest: [{ ...item, notAfter: later }],
  cards: [],
  tombstones: [],
  ...changes,
});
const forWant = grantOf({ cause: { kind: 'want', want: 'want-0001' } });

const recall = (changes: Partial<DownBody<'recall'>> = {}): DownBody<'recall'> => ({
  reservations: [{ reservation: 'res-00001', epoch: 1, codeHash: CODE_HASH, generation: 0 }],
  why: 'wanted',
  deadline: T0 + 900_000,
  ...changes,
});

const sale = (changes: Partial<SaleCommand> = {}): SaleCommand => ({
  intent: 'redeem',
  items: [
    { kind: 'code', codeHash: CODE_HASH, lastFour: 'XXXX', told: null, wantId: 'want-0009', redemptionId: 'red-00009' },
  ],
  allOrNone: false,
  basket: 'A',
  lane: '3',
  total: { amount: 4200, currency: 'USD' },
  customer: null,
  discount: null,
  waitMs: 800,
  mayAsk: true,
  begun: new Set(),
  ...changes,
});

const reversal = { codeHash: CODE_HASH, lastFour: 'XXXX', basket: 'A', door: null, redemption: null, reason: 'void' };
const untold = (decided: Decided<void>): Decided<undefined> => ({ ...decided, answer: undefined });
type Answered = Parameters<typeof answerInWords>[0];
const COMMANDS: Record<CommandName, (known: KnownForMessage) => Decided<Answered>> = {
  validate: (known) => decideSale(known, sale({ intent: 'validate' }), NOW),
  redeem: (known) => decideSale(known, sale(), NOW),
  release: (known) => untold(decideRelease(known, CODE_HASH, 'A')),
  reverse: (known) => decideReversal(known, reversal, NOW),
  recall: (known) => untold(decideRecall(known, recall(), NOW)),
  stock: (known) => untold(decideGrant(known, 1, grantOf(), NOW)),
  want: (known) => untold(decideGrant(known, 1, forWant, NOW)),
  extend: (known) => untold(decideExtend(known, 1, { number: 3, notAfter: later }, known.extendable, NOW)),
  tick: (known) => untold(decideTick(known, known.extendable, NOW)),
};

const verdictInWords = (verdict: Verdict): string => (verdict.approved ? `approved ${verdict.mode}` : verdict.reason);

function answerInWords(answer: SaleAnswer | ReversalAnswer | undefined): string {
  switch (answer?.kind) {
    case undefined:
      return '';
    case 'answered':
      return answer.verdicts.map(verdictInWords).join(' ');
    case 'reversed':
      return `reversed ${answer.answer.redemption?.id ?? 'nothing'}`;
    case 'waiting':
    case 'basket_conflict':
    case 'not_validated':
      return answer.kind;
  }
}

const describeOne = (decided: Decided<Answered>): string => inWords(answerInWords(decided.answer), decided);
const situationNames = Object.keys(SITUATIONS) as SituationName[];
const commandNames = Object.keys(COMMANDS) as CommandName[];

describe('every command in every situation of a code is decided as the table says', () => {
  it.each(situationNames)('%s', (name) => {
    const found = commandNames.map((command) => [command, describeOne(COMMANDS[command](knownIn(SITUATIONS[name])))]);
    expect(Object.fromEntries(found)).toEqual(TABLE[name]);
  });
});

describe('what is written and sent', () => {
  const begun = new Set([CODE_HASH]);
  const granted = knownIn(SITUATIONS['in use by A, fetched']);
  const validated = (changes: Partial<SaleCommand>) =>
    decideSale(granted, sale({ intent: 'validate', mayAsk: false, ...changes }), NOW);
  const grew = ({ effects }: Decided<unknown>) =>
    effects.flatMap((effect) => (effect.do === 'journal_grew' ? [effect.isAwaited] : []));

  it('a use that this very sale began is not written again, unless it moves to another lane', () => {
    const use = granted.reservations.get('res-00001')?.use;
    expect(validated({ begun }).changes).toEqual([]);
    expect(validated({ begun }).answer).toMatchObject({
      verdicts: [{ approved: true, mode: 'online', until: use?.until }],
    });
    expect(validated({ begun, lane: '4' }).changes).toMatchObject([{ do: 'use', use: { lane: '4' } }]);
    expect(validated({}).changes).toMatchObject([{ do: 'use' }]);
  });

  it('nobody waits for a grant’s entry, but for a redemption and a return', () => {
    expect(grew(decideGrant(knownIn(SITUATIONS['A waits for the cloud']), 1, forWant, NOW))).toEqual([false]);
    expect(grew(decideGrant(knownIn(SITUATIONS['nothing known']), 1, forWant, NOW))).toEqual([false, true]);
    expect(grew(decideSale(knownIn(SITUATIONS['in use by A, stocked']), sale(), NOW))).toEqual([true]);
  });
});

describe('G4', () => {
  const decisions = situationNames.flatMap((name) => {
    const known = knownIn(SITUATIONS[name]);
    return commandNames.map((command) => ({ name, command, known, decided: COMMANDS[command](known) }));
  });

  it('is commit, then witness, then release', () => {
    expect(ORDER).toEqual(['commit', 'witness', 'release']);
  });

  it('governs every decision that journals anything', () => {
    const journalling = decisions.filter(({ decided }) => decided.changes.some((change) => change.do === 'journal'));
    expect(journalling.length).toBeGreaterThan(50);
    for (const { decided } of journalling) expect(decided.plan).toEqual(ORDER);
  });

  it('never lets a box that is not validated write its witness, which is evidence', () => {
    const others = decisions.filter(({ known }) => !isValidated(known));
    expect(others.length).toBeGreaterThan(20);
    for (const { decided } of others) expect(decided.plan).toEqual(['commit', 'release']);
  });

  it('governs every answer of a sale or a reversal on a validated box, new or shown again', () => {
    const answers = decisions.filter(({ known, decided }) => isValidated(known) && decided.answer !== undefined);
    expect(answers.length).toBeGreaterThan(50);
    for (const { decided } of answers) expect(decided.plan).toEqual(ORDER);
  });
});

describe('G1: a grant is installed', () => {
  const fresh = knownIn({});
  const granted = (known: KnownForMessage, grant = grantOf(), epoch = 1) =>
    inWords('', decideGrant(known, epoch, grant, NOW));

  it('where everything is right', () => {
    expect(granted(fresh)).toBe('floor install +granted');
  });
  it('not where its epoch is another one', () => {
    expect(granted(fresh, grantOf(), 0)).toBe('');
    expect(granted(fresh, grantOf(), 2)).toBe('');
  });
  it('not where its number is not above the floor', () => {
    expect(granted(fresh, grantOf({ number: 3 }))).toBe('');
    expect(granted(fresh, grantOf({ number: 4 }))).toBe('floor install +granted');
  });
  it('not where its end is past, but the floor rises', () => {
    expect(granted(fresh, grantOf({ manifest: [{ ...item, notAfter: T0 + 40 }] }))).toBe('floor');
  });
  it('not where the reservation was ever closed or buried here', () => {
    expect(granted(knownIn(SITUATIONS.returned))).toBe('floor');
    expect(granted(knownIn(SITUATIONS['redeemed by A']))).toBe('floor');
  });
  it('not by a box that is not validated: left unread', () => {
    expect(granted(knownIn({ session: { standing: 'starting' } }))).toBe('');
  });
  it('only as far as it is unknown: one entry names what was installed', () => {
    const two = grantOf({
      manifest: [
        { ...item, notAfter: later },
        { ...item, reservation: 'res-00002', notAfter: later },
      ],
    });
    const { changes } = decideGrant(knownIn(SITUATIONS['stocked, idle']), 1, two, NOW);
    const entry = changes.flatMap((change) =>
      change.do === 'journal' && change.body.kind === 'granted' ? [change.body] : [],
    );
    expect(entry).toMatchObject([{ number: 9, reservations: [{ reservation: 'res-00002' }] }]);
  });
  it('once, where it names a reservation twice', () => {
    const manifest = [
      { ...item, notAfter: later },
      { ...item, notAfter: later },
    ];
    expect(granted(fresh, grantOf({ manifest }))).toBe('floor install +granted');
  });
  it('with its cards, each newer one journalled', () => {
    const newer = card({ version: 2 });
    expect(granted(fresh, grantOf({ cards: [newer, card()] }))).toBe('floor card +policy install +granted');
  });
  it('with its tombstones, which are entries, each once', () => {
    const tombstones = [{ codeHash: CODE_HASH, basket: 'Z' }];
    expect(granted(fresh, grantOf({ tombstones }))).toBe('floor answer +reversed install +granted');
    const buried = [
      {
        door: DOOR,
        codeHash: CODE_HASH,
        basket: 'Z',
        lastFour: null,
        redemption: null,
        reversal: { at: 1, pending: false },
      },
    ];
    expect(granted(knownIn({ answers: buried }), grantOf({ tombstones }))).toBe('floor install +granted');
  });
});

describe('G2: a grant answers its want', () => {
  const wants = new Map([['want-0001', wantOf('A')]]);
  const held = SITUATIONS['stocked, idle'].held;
  const answered = (known: KnownForMessage) => inWords('', decideGrant(known, 1, forWant, NOW));

  it('known and idle here: the want takes it', () => {
    expect(answered(knownIn({ held, session: { wants } }))).toBe('floor move_end use | granted');
  });
  it('known and in use: that want is in use', () => {
    expect(answered(knownIn({ held: SITUATIONS['in use by B'].held, session: { wants } }))).toBe(
      'floor move_end | told in_use',
    );
  });
  it('known and recalled: not taken', () => {
    expect(answered(knownIn({ held: SITUATIONS['idle with a recall mark'].held, session: { wants } }))).toBe(
      'floor | told in_use',
    );
  });
  it('known and closed: the want stays open and is asked again once the return is acknowledged', () => {
    const known = knownIn({ held: SITUATIONS.returned.held, session: { wants } });
    expect(decideGrant(known, 1, forWant, NOW).memory).toEqual([
      { do: 'want', want: { ...wantOf('A'), againAfter: 5 } },
    ]);
  });
  it('with two reservations of its code: one is used, the other goes back', () => {
    const manifest = [
      { ...item, notAfter: later },
      { ...item, reservation: 'res-00002', notAfter: later },
    ];
    const decided = decideGrant(knownIn({ session: { wants } }), 1, { ...forWant, manifest }, NOW);
    expect(inWords('', decided)).toBe(
      'floor install install +granted use close(returned) +returned(want_closed) | granted',
    );
  });
  it('for another code than the want asked for: installed and returned at once', () => {
    const other = new Map([['want-0001', { ...wantOf('A'), codeHash: 'f'.repeat(64) as typeof CODE_HASH }]]);
    expect(answered(knownIn({ session: { wants: other } }))).toBe(
      'floor install +granted close(returned) +returned(want_closed)',
    );
  });
});

describe('G5: a recall', () => {
  const recalled = (known: KnownForMessage, message = recall()) => inWords('', decideRecall(known, message, NOW));

  it('of another epoch is not mine, and nothing is journalled', () => {
    const foreign = recall({
      reservations: [{ reservation: 'res-00001', epoch: 0, codeHash: CODE_HASH, generation: 0 }],
    });
    expect(recalled(knownIn(SITUATIONS['stocked, idle']), foreign)).toBe("'not_mine'");
    expect(recalled(knownIn({}), foreign)).toBe("'not_mine'");
  });
  it('whose deadline is past has lapsed: unread', () => {
    expect(recalled(knownIn(SITUATIONS['stocked, idle']), recall({ deadline: T0 }))).toBe('');
    expect(recalled(knownIn(SITUATIONS['in use by A, stocked']), recall({ deadline: T0 }))).toBe('');
  });
  it('for a void outlives a later one that lapses', () => {
    const { changes } = decideRecall(knownIn(SITUATIONS['in use by A, recalled for a void']), recall(), NOW);
    expect(changes).toEqual([{ do: 'mark', reservation: 'res-00001', mark: { deadline: null } }]);
  });
  it('that names a reservation twice is answered once', () => {
    const [one] = recall().reservations;
    const reservations = one === undefined ? [] : [one, one];
    expect(recalled(knownIn({}), recall({ reservations }))).toBe("bury +returned(unknown) | 'returned'");
  });
  it('in use is answered with until when and on which lane', () => {
    const { effects } = decideRecall(knownIn(SITUATIONS['in use by B']), recall(), NOW);
    expect(effects).toMatchObject([
      { message: { body: { reservations: [{ answer: 'in_use', until: T0 + 60_000, lane: '3' }] } } },
    ]);
  });
  it('once marked, a use is not extended, though its basket may move to another lane', () => {
    const marked = decideSale(
      knownIn(SITUATIONS['in use by A, recalled']),
      sale({ intent: 'validate', lane: '9' }),
      NOW,
    );
    expect(marked.changes).toMatchObject([{ do: 'use', use: { until: T0 + 60_000, lane: '9' } }]);
    const free = decideSale(knownIn(SITUATIONS['in use by A, stocked']), sale({ intent: 'validate', lane: '9' }), NOW);
    expect(free.changes).toMatchObject([{ do: 'use', use: { until: T0 + USE_MS, lane: '9' } }]);
  });
});

describe('C14: an extension', () => {
  const held = SITUATIONS['stocked, idle'].held;
  const extended = (message: Partial<DownBody<'extend'>>, known = knownIn({ held }), epoch = 1) =>
    decideExtend(known, epoch, { number: 3, notAfter: later, ...message }, known.extendable, NOW).changes;

  it('moves the end of what grants at or below its number installed', () => {
    expect(extended({})).toEqual([{ do: 'move_end', reservation: 'res-00001', notAfter: later }]);
    expect(extended({ number: 2 })).toEqual([]);
  });
  it('never brings an end forward', () => {
    expect(extended({ notAfter: held.notAfter })).toEqual([]);
  });
  it('never goes past the campaign’s end', () => {
    const endsAt = Date.UTC(2027, 0, 1, 5); // the end of 31 December in New York
    expect(extended({ notAfter: endsAt + 1 })).toEqual([
      { do: 'move_end', reservation: 'res-00001', notAfter: endsAt },
    ]);
  });
  it('leaves what is recalled, past or of another epoch', () => {
    expect(extended({}, knownIn(SITUATIONS['idle with a recall mark']))).toEqual([]);
    expect(extended({}, knownIn(SITUATIONS['ended, idle']))).toEqual([]);
    expect(extended({}, knownIn(SITUATIONS['of an older epoch']))).toEqual([]);
    expect(extended({}, undefined, 2)).toEqual([]);
  });
});

describe('G6: a start', () => {
  const head = (n: number, hash = `${n}`.repeat(64).slice(0, 64)) => ({ epoch: 1, n, hash });
  const witness = (n: number): WitnessReading => ({ kind: 'head', head: head(n) });

  it.each([
    ['the journal is at the witness', head(5), witness(5), head(5).hash, null],
    ['the journal is past the witness and agrees there', head(7), witness(5), head(5).hash, null],
    ['the journal does not reach the witness', head(5), witness(6), null, { epoch: 1, n: 6 }],
    ['the journal has another hash there', head(7), witness(5), 'f'.repeat(64), { epoch: 1, n: 5 }],
    ['the witness is missing beside a journal', head(1), { kind: 'missing' }, null, { epoch: 1, n: 0 }],
    ['the witness is unreadable beside a journal', head(1), { kind: 'unreadable' }, null, { epoch: 1, n: 0 }],
    [
      'the witness is missing beside no journal',
      { epoch: 1, n: 0, hash: GENESIS_HASH },
      { kind: 'missing' },
      null,
      null,
    ],
  ] as const)('%s', (_, journal, reading, hashThere, verdict) => {
    expect(disagreementOf(journal, reading, hashThere)).toEqual(verdict);
  });

  it('brings the witness to the head, commits and witnesses its boot, and only then is seen', () => {
    const started = decideStart(knownIn({ session: { standing: 'starting' } }), witness(5), head(5).hash);
    expect(started.plan).toEqual(['witness', 'commit', 'witness', 'release']);
    expect(started.changes).toMatchObject([
      { do: 'running' },
      { do: 'boot', bootId: 2 },
      { body: { kind: 'boot', bootId: 2, cause: 'start' } },
    ]);
  });
  it('that disagrees journals nothing and leaves the witness as it is', () => {
    const started = decideStart(knownIn({}), witness(6), null);
    expect(started.plan).not.toContain('witness');
    expect(started.changes).toEqual([{ do: 'running' }]);
    expect(started.memory).toContainEqual({
      do: 'standing',
      standing: 'disagreement',
      disagreement: { epoch: 1, n: 6 },
    });
  });
  it('of a fenced box stays fenced, whatever the witness says', () => {
    const known = knownIn({});
    const fence = { epoch: 2, why: 'behind', witness: null };
    const started = decideStart({ ...known, box: { ...known.box, fence } }, witness(5), head(5).hash);
    expect(started.memory).toContainEqual({ do: 'standing', standing: 'fenced', disagreement: null });
    expect(started.plan).not.toContain('witness');
  });
});

describe('G6: of its journal a box lets out', () => {
  it.each([
    ['validated', { n: 4, isEvidence: false }],
    ['disagreement', { n: 5, isEvidence: true }],
    ['fenced', { n: 5, isEvidence: true }],
    ['starting', null],
  ] as const)('%s: %o', (standing, shown) => {
    expect(uploadable(knownIn({ session: { standing } }), 4)).toEqual(shown);
  });
});

describe('messages', () => {
  const ack = (n: number, hash = 'd'.repeat(64), epoch = 1): Down => ({
    type: 'ack',
    body: { acknowledged: { epoch, n, hash }, evidence: null, exceptions: [] },
  });
  const header = {
    v: 1,
    id: 'msg-00001',
    gateway: GATEWAY,
    incarnation: INCARNATION,
    epoch: 1,
    bootId: 1,
    type: '',
  } as const;
  const session = { hello: 'nonce-001', challenge: 'chal-0001', beat: 'beat-0001' };
  const hear = (
    known: KnownForMessage,
    message: Parameters<typeof decideMessage>[2],
    changes: Partial<typeof header> = {},
  ) => decideMessage(known, { ...header, ...changes }, message, NOW);

  it('C8: of another ledger or for another box are left unread, all but a challenge', () => {
    const other = { incarnation: `2-${'a'.repeat(32)}` as typeof INCARNATION };
    const fence = { type: 'fence', body: { epoch: 2, why: 'behind' } } as const;
    expect(hear(knownIn({}), fence, other).changes).toEqual([]);
    expect(hear(knownIn({}), fence, { gateway: 'gw-00000002' as typeof GATEWAY }).changes).toEqual([]);
    expect(hear(knownIn({}), fence).changes).toMatchObject([{ do: 'fence' }]);
    for (const incarnation of [`2-${'a'.repeat(32)}`, `1-${'b'.repeat(32)}`] as (typeof INCARNATION)[]) {
      expect(hear(knownIn({}), { type: 'grant', body: grantOf() }, { incarnation }).changes).toEqual([]);
      expect(
        hear(knownIn(SITUATIONS['stocked, idle']), { type: 'recall', body: recall() }, { incarnation }).changes,
      ).toEqual([]);
    }
    const challenge = {
      type: 'challenge',
      body: { nonce: 'nonce-001', challenge: 'chal-0002', epoch: 1, n: 0 },
    } as const;
    expect(hear(knownIn({ session }), challenge, other).effects).toHaveLength(1);
  });

  it('C4: only a challenge to a hello of this boot is answered, with the box’s own hash at its number', () => {
    const challenge = (nonce: string) =>
      ({ type: 'challenge', body: { nonce, challenge: 'chal-0002', epoch: 1, n: 4 } }) as const;
    expect(hear(knownIn({ session }), challenge('nonce-000')).effects).toEqual([]);
    const known = { ...knownIn({ session }), hashThere: 'c'.repeat(64) };
    expect(hear(known, challenge('nonce-001')).effects).toMatchObject([
      {
        message: {
          type: 'attest',
          body: { challenge: 'chal-0002', hashAtChallenge: 'c'.repeat(64), floor: 3, disagreement: null },
        },
      },
    ]);
  });

  it('C4: a disagreement is reported, and stands as a fence from then on', () => {
    const known = knownIn({ session: { ...session, standing: 'disagreement', disagreement: { epoch: 1, n: 9 } } });
    const decided = hear(known, {
      type: 'challenge',
      body: { nonce: 'nonce-001', challenge: 'chal-0002', epoch: 1, n: 4 },
    });
    expect(decided.changes).toMatchObject([
      { do: 'fence', fence: { why: 'disagreement', witness: { epoch: 1, n: 9 } } },
    ]);
    expect(decided.effects).toMatchObject([{ message: { body: { disagreement: { epoch: 1, n: 9 } } } }]);
    expect(decided.plan).toEqual(['commit', 'release']);
  });

  it('C4: a welcome counts that names the challenge attested last', () => {
    const acknowledged = { epoch: 1, n: 0, hash: GENESIS_HASH };
    const welcome = (challenge: string, epoch = 1): Down => ({
      type: 'welcome',
      body: { challenge, epoch, acknowledged, now: T0, keys: [], cards: [] },
    });
    expect(hear(knownIn({ session }), welcome('chal-0000')).effects).toEqual([]);
    expect(hear(knownIn({ session }), welcome('chal-0001')).effects).toContainEqual({ do: 'welcomed' });
    expect(hear(knownIn({ session }), welcome('chal-0001', 2)).effects).toEqual([]);
  });

  it('an acknowledgement raises the number along this chain alone, and never lowers it', () => {
    const known = { ...knownIn({}), hashThere: 'd'.repeat(64) };
    expect(hear(known, ack(4)).changes).toEqual([{ do: 'acknowledged', n: 4 }]);
    expect(hear(known, ack(4, 'e'.repeat(64))).changes).toEqual([]);
    expect(hear(known, ack(4, undefined, 0)).changes).toEqual([]);
    expect(hear({ ...known, box: { ...known.box, acknowledged: 5 } }, ack(4)).changes).toEqual([]);
  });

  it('G2: an acknowledgement of the return lets the want be asked again', () => {
    const wants = new Map([['want-0001', { ...wantOf('A'), againAfter: 4 }]]);
    const known = { ...knownIn({ session: { wants } }), hashThere: 'd'.repeat(64) };
    expect(hear(known, ack(3)).effects).toMatchObject([{ do: 'settled' }]);
    expect(hear(known, ack(4)).effects).toMatchObject([
      { do: 'settled' },
      { do: 'send', message: { type: 'want', body: { want: 'want-0001' } } },
    ]);
  });

  it('a fence of an epoch that was already reached changes nothing', () => {
    expect(hear(knownIn({}), { type: 'fence', body: { epoch: 1, why: 'behind' } }).changes).toEqual([]);
  });

  it('only the answer to the last heartbeat tells the time', () => {
    expect(hear(knownIn({ session }), { type: 'beat', body: { beat: 'beat-0000', now: T0 } }).effects).toEqual([]);
    expect(hear(knownIn({ session }), { type: 'beat', body: { beat: 'beat-0001', now: T0 } }).effects).toEqual([
      { do: 'anchor', at: T0, since: 'beat' },
    ]);
  });

  it('C13: a reversal for another door, or naming another redemption, undoes nothing here', () => {
    const reverse = (door: string, redemption: string | null) =>
      ({ type: 'reverse', body: { door, codeHash: CODE_HASH, basket: 'A', redemption, reason: 'void' } }) as const;
    const known = knownIn(SITUATIONS['redeemed by A']);
    expect(hear(known, reverse('gateway:gw-00000002', null)).changes).toEqual([]);
    expect(hear(known, reverse(DOOR, 'red-00002')).changes).toEqual([]);
    expect(inWords('', hear(known, reverse(DOOR, 'red-00001')))).toBe('answer +reversed');
    expect(inWords('', hear(knownIn({}), reverse(DOOR, 'red-00001')))).toBe('answer +reversed');
  });
});

describe('eligibility is asked again at the box', () => {
  const decidedUnder = (changes: Partial<Card>, clock: Clock = NOW.clock) => {
    const known = knownIn(SITUATIONS['stocked, idle']);
    const terms = new Map([
      ['spring', [{ card: card(changes), validity: { startsAt: T0 - 10, endsAt: T0 + 60_000 } }]],
    ]);
    return answerInWords(decideSale({ ...known, terms }, sale(), { at: T0, clock }).answer);
  };

  it.each([
    ['approved reserved', {}, undefined],
    ['wrong_store', { stores: ['0001'] }, undefined],
    ['wrong_channel', { channels: ['online' as const] }, undefined],
    ['basket_too_small', { minimumBasket: { amount: 5000, currency: 'USD' } }, undefined],
    ['expired', {}, { proven: true, earliest: T0 + 60_000, latest: T0 + 60_001 } as const],
    ['not_yet_valid', {}, { proven: true, earliest: T0 - 99, latest: T0 - 11 } as const],
    ['approved reserved', {}, { proven: false, earliest: 0 } as const],
  ])('%s', (verdict, changes, clock) => {
    expect(decidedUnder(changes, clock)).toBe(verdict);
  });

  it('a basket keeps the terms that it was told, and its redemption says so', () => {
    const known = knownIn(SITUATIONS['in use by A, stocked']);
    const book = [
      ...(known.terms.get('spring') ?? []),
      { card: card({ version: 2, stores: ['0001'] }), validity: { startsAt: 0, endsAt: later } },
    ];
    const decided = decideSale({ ...known, terms: new Map([['spring', book]]) }, sale(), NOW);
    expect(answerInWords(decided.answer)).toBe('approved reserved');
    expect(decided.changes).toContainEqual(
      expect.objectContaining({ body: expect.objectContaining({ kind: 'redeemed', oldTerms: true }) }),
    );
  });

  it('a reservation whose card never came is not judged', () => {
    const known = knownIn(SITUATIONS['stocked, idle']);
    expect(answerInWords(decideSale({ ...known, terms: new Map() }, sale(), NOW).answer)).toBe('cannot_verify');
  });
});

describe('time', () => {
  it('a reservation ends at the early edge of proven time', () => {
    expect(hasEnded(T0, { proven: true, earliest: T0 - 50, latest: T0 })).toBe(true);
    expect(hasEnded(T0, { proven: true, earliest: T0 - 50, latest: T0 - 1 })).toBe(false);
  });
  it('without proven time it ends when it has certainly ended', () => {
    expect(hasEnded(T0, { proven: false, earliest: T0 - 1 })).toBe(false);
    expect(hasEnded(T0, { proven: false, earliest: T0 })).toBe(true);
  });
  it('uncertainty is the question’s round trip and the crystal’s drift, to both sides', () => {
    const anchor = { at: T0, receivedMs: 1000, uncertaintyMs: 30 };
    const hour = 3_600_000;
    const drift = (hour * DRIFT_PPM) / 1_000_000;
    expect(clockAt(anchor, 0, 0, 1000 + hour)).toEqual({
      proven: true,
      earliest: T0 + hour - drift,
      latest: T0 + hour + 30 + drift,
    });
  });
  it('without an anchor the mark on the disk is the earliest, and it moves with the monotonic clock', () => {
    expect(clockAt(null, T0, 500, 500)).toEqual({ proven: false, earliest: T0 });
    expect(clockAt(null, T0, 500, 1_000_500)).toEqual({ proven: false, earliest: T0 + 1_000_000 - 200 });
  });
});
