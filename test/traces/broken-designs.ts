/**
 * Designs that are known to be broken, each as a patch over a copy of the production rules and step function. Each must
 * stay caught: its trace shows the break, and the rules as they stand survive the same trace.
 */
export type Edit = { readonly file: string; readonly from: string; readonly to: string };
export type BrokenDesign = { readonly id: string; readonly what: string; readonly edits: readonly Edit[] };

const CODE_RULES = 'cloud/ledger/code-rules.ts';
const GRANT_RULES = 'gateway/till/grant-rules.ts';
const SALE_RULES = 'gateway/till/sale-rules.ts';
const START_RULES = 'gateway/till/start-rules.ts';
const MESSAGE_RULES = 'gateway/till/message-rules.ts';

const DEADLINE_FREES: Edit = {
  file: CODE_RULES,
  from: "    deadline: 'in_doubt',\n",
  to: "    deadline: 'free',\n",
};
const NO_MARGIN: Edit = {
  file: 'protocol/limits.ts',
  from: '  notAfter + MARGIN_MS + Math.ceil((RESERVATION_MS * DRIFT_PPM) / 1_000_000);',
  to: '  notAfter;',
};
const TICK_WITHOUT_MARGIN: Edit = {
  file: 'cloud/fleet/due.ts',
  from: 'now - MARGIN_MS - Math.ceil((RESERVATION_MS * DRIFT_PPM) / 1_000_000);',
  to: 'now;',
};
const CLOSED_ARE_FORGOTTEN: Edit = {
  file: GRANT_RULES,
  from: '!known.reservations.has(reservation)',
  to: "known.reservations.get(reservation)?.state !== 'active'",
};
/** What was forgotten can be written again. */
const ROWS_ARE_FORGOTTEN: Edit = {
  file: 'gateway/till/sqlite-statements.ts',
  from: '    install: sql(`INSERT INTO reservations',
  to: '    install: sql(`INSERT OR REPLACE INTO reservations',
};
const ANSWERS_ARE_FORGOTTEN: Edit = {
  file: SALE_RULES,
  from: '  if (spent && (held === null || held.generation <= spent.generation))\n',
  to: '  if (spent && held === null)\n',
};
const UPLOADS_COUNT_AS_SETTLEMENT: Edit = {
  file: 'gateway/till/upload-rules.ts',
  from: '  return { n: known.box.head.n, isEvidence: true }; // [B18]\n',
  to: '  return { n: known.box.head.n, isEvidence: false };\n',
};
const UPLOADS_BEFORE_WITNESS: Edit = {
  file: 'gateway/till/upload-rules.ts',
  from: '  if (isValidated(known)) return { n: witnessed, isEvidence: false }; // [G4] never ahead of the witness\n',
  to: '  if (isValidated(known)) return { n: Math.max(witnessed, known.box.head.n), isEvidence: false };\n',
};

export const BROKEN_DESIGNS = {
  B1: { id: 'B1', what: 'a reservation is free at its end', edits: [DEADLINE_FREES, NO_MARGIN, TICK_WITHOUT_MARGIN] },
  B2: { id: 'B2', what: 'the same with a margin', edits: [DEADLINE_FREES] },
  B3: {
    id: 'B3',
    what: 'no grant floor',
    edits: [
      {
        file: GRANT_RULES,
        from: '  if (grant.number <= known.box.floor) return draft.decided(undefined, NOT_JOURNALLED);\n',
        to: '',
      },
      CLOSED_ARE_FORGOTTEN,
      ROWS_ARE_FORGOTTEN,
      ANSWERS_ARE_FORGOTTEN,
      // The database's own last line of defence, which forgetting takes away as well.
      {
        file: 'gateway/till/sqlite-schema.ts',
        from: 'CREATE UNIQUE INDEX answers_by_reservation',
        to: 'CREATE INDEX answers_by_reservation',
      },
    ],
  },
  B4: { id: 'B4', what: 'void without a margin', edits: [NO_MARGIN, TICK_WITHOUT_MARGIN] },
  B5: {
    id: 'B5',
    what: 'a restored disk, no check at the start',
    edits: [
      { file: START_RULES, from: '  if (disagreement !== null) {\n', to: '  if (disagreement !== null && false) {\n' },
    ],
  },
  B6: {
    id: 'B6',
    what: 'the check by the cloud alone',
    edits: [
      { file: START_RULES, from: '  if (disagreement !== null) {\n', to: '  if (disagreement !== null && false) {\n' },
      {
        file: START_RULES,
        from: "  draft.remember({ do: 'standing', standing: 'validated', disagreement: null });\n",
        to: "  draft.remember({ do: 'standing', standing: 'disagreement', disagreement: null });\n",
      },
      {
        file: MESSAGE_RULES,
        from: '  const disagreement = isValidated(known) ? null : (session.disagreement ?? { epoch: box.epoch, n: box.head.n });\n  if (session.standing',
        to: '  const disagreement = null as { epoch: number; n: number } | null;\n  if (false && session.standing',
      },
      {
        file: MESSAGE_RULES,
        from: '  if (!isValidated(known)) return draft.decided(undefined, NOT_JOURNALLED);\n  if (welcome.challenge',
        to: "  draft.remember({ do: 'standing', standing: 'validated', disagreement: null });\n  if (welcome.challenge",
      },
    ],
  },
  B7: {
    id: 'B7',
    what: 'an approval before the witness',
    edits: [
      {
        file: SALE_RULES,
        from: 'const SHOW_APPROVAL: Plan = ORDER;',
        to: "const SHOW_APPROVAL: Plan = ['commit', 'release', 'witness'];\nvoid ORDER;",
      },
    ],
  },
  B8: {
    id: 'B8',
    what: 'a return before the witness',
    edits: [
      {
        file: 'gateway/till/recall-rules.ts',
        from: 'const SHOW_RETURN: Plan = ORDER;',
        to: "const SHOW_RETURN: Plan = ['commit', 'release', 'witness'];\nvoid ORDER;",
      },
      UPLOADS_BEFORE_WITNESS,
    ],
  },
  B9: {
    id: 'B9',
    what: 'a box that is not validated answers recalls',
    edits: [
      {
        file: 'gateway/till/recall-rules.ts',
        from: '  if (!isValidated(known)) return draft.decided(undefined, NOT_JOURNALLED); // [G6, B9]\n',
        to: '',
      },
      {
        file: 'gateway/till/recall-rules.ts',
        from: 'const SHOW_RETURN: Plan = ORDER;',
        to: "const SHOW_RETURN: Plan = ['commit', 'release'];\nvoid ORDER;",
      },
      UPLOADS_COUNT_AS_SETTLEMENT,
      UPLOADS_BEFORE_WITNESS,
    ],
  },
  B11: {
    id: 'B11',
    what: 'a stored answer is shown before the witness covers it',
    edits: [
      {
        file: SALE_RULES,
        from: "  if (!isValidated(known)) return no('cannot_verify'); // [G6]\n",
        to: "  const early = answerOf(known, known.self.door, item.codeHash, sale.basket);\n  if (early?.redemption) return { is: 'stored', redemption: early.redemption };\n  if (!isValidated(known)) return no('cannot_verify');\n",
      },
      {
        file: SALE_RULES,
        from: 'const SHOW_STORED: Plan = ORDER;',
        to: "const SHOW_STORED: Plan = ['commit', 'release'];",
      },
    ],
  },
  B12: {
    id: 'B12',
    what: 'sync frees what the gateway does not list',
    edits: [
      { file: 'cloud/fleet/fleet.ts', from: ' || row.acknowledged.n < body.head.n) return;', to: ') return;' },
      {
        file: 'cloud/fleet/granting-rules.ts',
        from: '  const again = lacking.filter((view) => mayGrantAgain(gateway, view));\n',
        to: "  const again: CodeView[] = [];\n  const freed = lacking.flatMap((view) => {\n    const moved = move(view.code, 'returned', {}, {});\n    return typeof moved === 'string' ? [] : moved.changes;\n  });\n",
      },
      {
        file: 'cloud/fleet/granting-rules.ts',
        from: '  return { again, changes: recalled, unexpected',
        to: '  return { again, changes: [...recalled, ...freed], unexpected',
      },
      {
        file: 'cloud/fleet/granting-rules.ts',
        from: "import type { Change, CodeView, GatewayRow, ReversalRow, WaitRow } from '../ledger/code-rules.ts';",
        to: "import { type Change, type CodeView, type GatewayRow, move, type ReversalRow, type WaitRow } from '../ledger/code-rules.ts';",
      },
    ],
  },
  B13: {
    id: 'B13',
    what: 'a reversal frees by basket, not by redemption',
    edits: [
      {
        file: 'cloud/ledger/reversal-rules.ts',
        from: "  if (stored !== null && (stored.state === 'done' || !unanswerable)) return repeated(request, stored);\n",
        to: '  void repeated;\n',
      },
      {
        file: 'cloud/ledger/reversing.ts',
        from: '  const redemption = await unit.redemptionAt(door, hash, basket);\n',
        to: '  const redemption = view.redemption;\n',
      },
    ],
  },
  B14: {
    id: 'B14',
    what: 'a stale hello is judged',
    edits: [
      {
        file: 'cloud/fleet/greeting-rules.ts',
        from: '  const challenge = gateway.challenges.find(({ id }) => id === attest.challenge);\n',
        to: '  const challenge = { id: attest.challenge, nonce: "", bootId, epoch: gateway.epoch, ...gateway.acknowledged };\n',
      },
      {
        file: 'cloud/fleet/greeting-rules.ts',
        from: '  const reaches = attest.head.epoch === challenge.epoch && attest.hashAtChallenge !== null;\n',
        to: '  const reaches = attest.head.n >= gateway.acknowledged.n;\n',
      },
      {
        file: 'cloud/fleet/greeting-rules.ts',
        from: '  if (attest.hashAtChallenge !== challenge.hash) return',
        to: '  if (attest.disagreement !== null) return',
      },
    ],
  },
  B17: { id: 'B17', what: 'closed reservation ids are forgotten', edits: [CLOSED_ARE_FORGOTTEN, ROWS_ARE_FORGOTTEN] },
  B18: {
    id: 'B18',
    what: 'a box that is not validated uploads returns',
    edits: [UPLOADS_COUNT_AS_SETTLEMENT, UPLOADS_BEFORE_WITNESS],
  },
  B19: {
    id: 'B19',
    what: 'extend without a bound',
    edits: [
      { file: GRANT_RULES, from: '    if (reservation.number > number) continue; // [B19]\n', to: '' },
      {
        file: 'gateway/till/load.ts',
        from: 'this.#store.installedUpTo(box.epoch, message.body.number)',
        to: 'this.#store.installedUpTo(box.epoch, Number.MAX_SAFE_INTEGER)',
      },
    ],
  },
  B20: {
    id: 'B20',
    what: 'a void_pending code is granted again',
    edits: [
      {
        file: 'cloud/ledger/handover-rules.ts',
        from: "    code.state === 'reserved' &&\n",
        to: "    (code.state === 'reserved' || code.state === 'void_pending') &&\n",
      },
      { file: 'cloud/ledger/handover-rules.ts', from: '    reservation.recall === null\n', to: '    true\n' },
      {
        file: 'cloud/ledger/handover-rules.ts',
        from: '  return { row, changes: [...moved.changes,',
        to: "  if (code.state === 'void_pending') return { row, changes: [] };\n  return { row, changes: [...moved.changes,",
      },
      {
        file: CODE_RULES,
        from: "  void_pending: {\n    hold: 'refused',\n    hold_ends: 'stays',\n    cart_redeems: 'refused',\n    grant: 'refused',\n    grant_again: 'refused',\n",
        to: "  void_pending: {\n    hold: 'refused',\n    hold_ends: 'stays',\n    cart_redeems: 'refused',\n    grant: 'refused',\n    grant_again: 'void_pending',\n",
      },
    ],
  },
  B21: {
    id: 'B21',
    what: 'the void mark is lost by a return or a reversal',
    edits: [
      {
        file: CODE_RULES,
        from: "  return code.voidMark || code.blank ? 'voided' : 'issued';\n",
        to: "  return 'issued';\n",
      },
    ],
  },
  B22: {
    id: 'B22',
    what: 'a tombstone outside the journal',
    edits: [
      {
        file: 'gateway/till/reversal-rules.ts',
        from: "  draft.journal({\n    kind: 'reversed',\n    door,\n    codeHash,\n    basket,\n    reservation: redemption?.reservation ?? null,\n",
        to: "  if (redemption !== null) draft.journal({\n    kind: 'reversed',\n    door,\n    codeHash,\n    basket,\n    reservation: redemption?.reservation ?? null,\n",
      },
    ],
  },
  B23: {
    id: 'B23',
    what: 'an attest is judged against what was acknowledged since',
    edits: [
      {
        file: 'cloud/fleet/greeting-rules.ts',
        from: '  const reaches = attest.head.epoch === challenge.epoch && attest.hashAtChallenge !== null;\n',
        to: '  const reaches = attest.head.epoch === challenge.epoch && attest.head.n >= gateway.acknowledged.n;\n',
      },
    ],
  },
} as const satisfies Record<string, BrokenDesign>;

export type BrokenId = keyof typeof BROKEN_DESIGNS;
