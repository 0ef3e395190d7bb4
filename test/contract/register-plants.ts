import type { Edit } from '../traces/broken-designs.ts';

/**
 * Registers and gateways as they are built wrongly, each as a patch over a copy of what stands, and the check of the kit
 * that must find it. The patches are of the gateway's own link and of the kit's reference register.
 */
export type Plant = { readonly what: string; readonly finds: string; readonly edits: readonly Edit[] };

const FRAME = 'protocol/register-frame/frame.ts';
const DEFRAMER = 'protocol/register-frame/deframer.ts';
const CODES = 'protocol/register-frame/answer-codes.ts';
const ANSWER = 'protocol/register-frame/answer.ts';
const LINK = 'gateway/lanes/register/link-rules.ts';
const MEMORY = 'gateway/lanes/register/memory-rules.ts';
const DESK = 'gateway/lanes/register/desk.ts';
const REGISTER = 'scripts/register-kit/register.ts';
const LINE = 'scripts/register-kit/register-line.ts';

const WRONG_COVERAGE: Edit = { file: FRAME, from: "cover === 'payload' ? lrc : lrc ^ ETX", to: 'lrc' };
const SPLITS_ON_CONTROL_BYTES: Edit = {
  file: DEFRAMER,
  from: "    case 'check':\n",
  to: "    case 'check':\n      if (byte === STX || byte === ETX) return { deframing: byte === STX ? IN_PAYLOAD : NOTHING_DEFRAMED, event: null };\n",
};
const ACCEPTS_ANY_CHECK_BYTE: Edit = { file: DEFRAMER, from: 'byte === lrcOf(text, lrc) ?', to: 'byte >= 0 ?' };
const KEEPS_HALF_FRAMES: Edit = {
  file: DEFRAMER,
  from: '> BYTE_GAP_MS ? NOTHING_DEFRAMED',
  to: '> 1e9 ? NOTHING_DEFRAMED',
};
const DROPS_PIECES: Edit = {
  file: DEFRAMER,
  from: 'bytes.length === 0 ? before : { ...deframing, atMs: nowMs }',
  to: 'NOTHING_DEFRAMED',
};

export const BAD_GATEWAYS: readonly Plant[] = [
  { what: 'covers too little with its check byte', finds: 'check-byte', edits: [WRONG_COVERAGE] },
  { what: 'takes ETX for the end wherever it stands', finds: 'any-check-byte', edits: [SPLITS_ON_CONTROL_BYTES] },
  { what: 'does not look at the check byte', finds: 'nak-bad-check-byte', edits: [ACCEPTS_ANY_CHECK_BYTE] },
  { what: 'keeps half a frame for ever', finds: 'drops-half-a-frame', edits: [KEEPS_HALF_FRAMES] },
  { what: 'wants a frame in one piece', finds: 'any-pieces', edits: [DROPS_PIECES] },
  {
    what: 'passes over STX inside a payload',
    finds: 'starts-anew-at-stx',
    edits: [
      {
        file: DEFRAMER,
        from: 'if (byte === STX) return { deframing: IN_PAYLOAD',
        to: 'if (byte === STX) return { deframing',
      },
    ],
  },
  {
    what: 'cuts a frame that is too long, and takes it',
    finds: 'nak-overlong',
    edits: [
      {
        file: DEFRAMER,
        from: "if (flaw !== null) return { kind: 'damaged', why: flaw };",
        to: "if (flaw === 'too_long') return { kind: 'frame', payload: text };",
      },
    ],
  },
  {
    what: 'answers before it acknowledges',
    finds: 'ack-first',
    edits: [
      {
        file: LINK,
        from: "effects: [{ do: 'write', what: 'ack' }, ...effects]",
        to: "effects: [...effects, { do: 'wait', for: 'progress', delayMs: 1 }]",
      },
      {
        file: LINK,
        from: 'effects: [...NO_PROGRESS, ...sent.effects]',
        to: "effects: [...sent.effects, { do: 'write', what: 'ack' }]",
      },
    ],
  },
  {
    what: 'never sends an answer again',
    finds: 'repeats-without-ack',
    edits: [{ file: LINK, from: 'if (state.sending.sends < SENDS_MAX)', to: 'if (state.sending.sends < 1)' }],
  },
  {
    what: 'takes NAK for ACK',
    finds: 'repeats-after-nak',
    edits: [{ file: LINK, from: "    case 'nak':\n", to: "    case 'nak':\n      return decideAck(state);\n" }],
  },
  {
    what: 'sends an answer again for ever',
    finds: 'three-sends',
    edits: [{ file: LINK, from: 'if (state.sending.sends < SENDS_MAX)', to: 'if (state.sending.sends > 0)' }],
  },
  {
    what: 'remembers by basket and not by seq',
    finds: 'seq-is-its-own',
    edits: [
      { file: MEMORY, from: 'entry.txn === txn && entry.seq === seq)', to: 'entry.txn === txn)' },
      {
        file: MEMORY,
        from: "  if (entry.payload !== null && entry.payload !== payload) return { is: 'other' };\n",
        to: '',
      },
    ],
  },
  {
    what: 'remembers by seq and not by basket',
    finds: 'seq-in-each-basket',
    edits: [{ file: MEMORY, from: 'entry.txn === txn && entry.seq === seq)', to: 'entry.seq === seq)' }],
  },
  {
    what: 'answers a seq that is used twice from its memory',
    finds: 'seq-reused',
    edits: [
      {
        file: MEMORY,
        from: "  if (entry.payload !== null && entry.payload !== payload) return { is: 'other' };\n",
        to: '',
      },
    ],
  },
  {
    what: 'says nothing while it asks',
    finds: 'progress',
    edits: [{ file: LINK, from: 'const PROGRESS_AFTER_MS = 400;', to: 'const PROGRESS_AFTER_MS = 60_000;' }],
  },
  {
    what: 'sends progress texts that do not fill the display',
    finds: 'progress',
    edits: [{ file: FRAME, from: '.padEnd(DISPLAY_CHARACTERS)', to: '' }],
  },
  {
    what: 'forgets a request when another one comes',
    finds: 'busy',
    edits: [
      {
        file: LINK,
        from: '  if (state.asking !== null)\n',
        to: '  if (state.asking !== null && state.asking.payload === payload)\n',
      },
      {
        file: LINK,
        from: "throw new Error('an answer to what was not asked')",
        to: 'return { state, effects: [] }',
      },
    ],
  },
  {
    what: 'answers a repetition once more when it has the answer',
    finds: 'one-answer',
    edits: [
      {
        file: LINK,
        from: '  if (state.asking !== null)\n',
        to: '  if (state.asking?.payload === payload) return ask(state, request, payload);\n  if (state.asking !== null)\n',
      },
      {
        file: LINK,
        from: 'if (asking === null || asking.request !== event.request)',
        to: "if (asking === null) return send(state, event.request, event.said);\n  if (asking.payload === '')",
      },
    ],
  },
  {
    what: 'refuses the same frame when it comes again',
    finds: 'same-seq-same-answer',
    edits: [
      {
        file: MEMORY,
        from: 'if (entry.payload !== null && entry.payload !== payload)',
        to: 'if (entry.payload !== null)',
      },
    ],
  },
  {
    what: 'does not know the ref that it gave',
    finds: 'redeems',
    edits: [
      { file: DESK, from: 'const ref = parseRef(request.ref);', to: 'const ref = parseRef(request.ref.slice(0, 3));' },
    ],
  },
  {
    what: 'takes each R for a basket of its own',
    finds: 'spent-once',
    edits: [
      {
        file: DESK,
        from: 'till.redeem(saleOf(request, ',
        to: 'till.redeem(saleOf({ ...request, txn: request.txn + request.seq }, ',
      },
    ],
  },
  {
    what: 'passes over what it does not understand',
    finds: 'not-understood',
    edits: [
      {
        file: LINK,
        from: "return send(state, read.error, say(NOT_UNDERSTOOD, 'NOT UNDERSTOOD'));",
        to: 'return { state, effects: [] };',
      },
    ],
  },
  {
    what: 'takes a field as it is written',
    finds: 'escapes',
    edits: [{ file: 'protocol/register-frame/fields.ts', from: 'ok(fields.map(unescaped))', to: 'ok(fields)' }],
  },
  {
    what: 'declines what cannot be verified',
    finds: 'cannot-verify-is-no-decline',
    edits: [{ file: CODES, from: "cc: '20'", to: "cc: '13'" }],
  },
  {
    what: 'sends texts that are too long for the display',
    finds: 'reasons',
    edits: [{ file: ANSWER, from: 'fitsDisplay(decision.text) ? decision.text : row.text', to: 'decision.text' }],
  },
  {
    what: 'gives no ref',
    finds: 'answer-form',
    edits: [{ file: ANSWER, from: 'mode: MODES[mode], ref, value,', to: "mode: MODES[mode], ref: '', value," }],
  },
  {
    what: 'approves what it knows nothing of, when it is asked for the status',
    finds: 'status-unknown',
    edits: [
      {
        file: DESK,
        from: "const NOTHING_DONE = say(NOT_DONE, 'NOT DONE');",
        to: "const NOTHING_DONE = say(APPROVED, 'OK');",
      },
    ],
  },
  {
    what: 'answers every status with approved',
    finds: 'status-known',
    edits: [
      {
        file: DESK,
        from: '  const entry = find(memory, txn, origSeq);\n',
        to: "  const entry = find(memory, txn, origSeq);\n  if (entry) return { said: say(APPROVED, 'OK'), code: null };\n",
      },
    ],
  },
  {
    what: 'forgets a reversal of what never came',
    finds: 'reverse-before',
    edits: [
      {
        file: MEMORY,
        from: "if (entry.isUndone) return { is: 'undone' };",
        to: "if (entry.isUndone) return { is: 'new' };",
      },
    ],
  },
  {
    what: 'undoes a basket only once',
    finds: 'reverse-again',
    edits: [
      {
        file: DESK,
        from: '  await till.reverse(',
        to: '  if (find(memory, txn, origSeq)?.isUndone) return { said: NOTHING_DONE, code };\n  await till.reverse(',
      },
    ],
  },
  {
    what: 'approves a second basket',
    finds: 'one-basket',
    edits: [{ file: DESK, from: 'basket: txn, lane, total', to: "basket: 'one', lane, total" }],
  },
  {
    what: 'forgets that a basket was undone',
    finds: 'reversed-first',
    edits: [
      {
        file: DESK,
        from: 'await till.reverse({ code, basket: txn,',
        to: "await till.reverse({ code, basket: 'other',",
      },
    ],
  },
];

export const BAD_REGISTERS: readonly Plant[] = [
  { what: 'covers too little with its check byte', finds: 'check-byte', edits: [WRONG_COVERAGE] },
  { what: 'takes ETX for the end wherever it stands', finds: 'any-check-byte', edits: [SPLITS_ON_CONTROL_BYTES] },
  { what: 'does not look at the check byte', finds: 'naks-a-damaged-answer', edits: [ACCEPTS_ANY_CHECK_BYTE] },
  { what: 'wants a frame in one piece', finds: 'any-pieces', edits: [DROPS_PIECES] },
  {
    what: 'gives up at NAK',
    finds: 'repeats-after-nak',
    edits: [{ file: LINE, from: 'if (this.#request !== null) this.#send(this.#request);', to: 'this.#end(null);' }],
  },
  {
    what: 'does not repeat what nobody acknowledges',
    finds: 'repeats-without-ack',
    edits: [
      {
        file: LINE,
        from: 'this.#wait(request, ACK_WAIT_MS, () => this.#send(request))',
        to: 'this.#wait(request, ACK_WAIT_MS, () => this.#end(null))',
      },
    ],
  },
  {
    what: 'repeats at once what is not acknowledged yet',
    finds: 'repeats-without-ack',
    edits: [{ file: LINE, from: 'this.#wait(request, ACK_WAIT_MS,', to: 'this.#wait(request, 100,' }],
  },
  {
    what: 'repeats for ever',
    finds: 'three-sends',
    edits: [{ file: LINE, from: 'if (request.sends === SENDS_MAX)', to: 'if (request.sends < 0)' }],
  },
  {
    what: 'does not acknowledge answers',
    finds: 'acknowledges',
    edits: [{ file: LINE, from: '        this.#write(Uint8Array.of(ACK));\n', to: '' }],
  },
  {
    what: 'waits for one second only',
    finds: 'waits-with-progress',
    edits: [{ file: LINE, from: 'ANSWER_WAIT_MS, () => this.#end(null)', to: '1_000, () => this.#end(null)' }],
  },
  {
    what: 'refuses progress texts',
    finds: 'waits-with-progress',
    edits: [{ file: LINE, from: 'this.#display(event.text);', to: 'this.#write(Uint8Array.of(NAK));' }],
  },
  {
    what: 'takes a progress text for the answer',
    finds: 'waits-with-progress',
    edits: [{ file: LINE, from: 'this.#display(event.text);', to: 'this.#end(null);' }],
  },
  {
    what: 'takes any answer for its own',
    finds: 'ignores-other-answers',
    edits: [
      { file: LINE, from: 'if (answer?.txn === this.#request?.txn && answer?.seq === this.#request?.seq) ', to: '' },
    ],
  },
  {
    what: 'redeems what was declined',
    finds: 'no-redeem-when-declined',
    edits: [
      {
        file: REGISTER,
        from: "if (kind !== 'approved') return",
        to: "if (kind !== 'approved' && kind !== 'declined') return",
      },
    ],
  },
  {
    what: 'declines what cannot be verified',
    finds: 'cannot-verify-is-no-decline',
    edits: [{ file: REGISTER, from: "      return 'undetermined';", to: "      return 'declined';" }],
  },
  {
    what: 'validates again under a new number when no answer comes',
    finds: 'asks-status',
    edits: [
      {
        file: REGISTER,
        from: "await this.#ask({ kind: 'status', ...this.#next(request), origSeq: request.seq, code });",
        to: 'await this.#ask({ ...request, ...this.#next(request) });',
      },
    ],
  },
  {
    what: 'redeems after a lost validation, without asking or undoing',
    finds: 'reverses-a-lost-validation',
    edits: [
      {
        file: REGISTER,
        from: "    if (validated === null) return { outcome: 'without', settled: this.#undo(validation, code) };\n",
        to: '    if (validated === null) return this.sell(code, total);\n',
      },
    ],
  },
  {
    what: 'leaves a lost redemption as it is',
    finds: 'reverses-a-lost-redemption',
    edits: [{ file: REGISTER, from: 'settled: this.#undo(redemption, code)', to: 'settled: Promise.resolve()' }],
  },
  {
    what: 'takes a lost redemption for one that succeeded',
    finds: 'reverses-a-lost-redemption',
    edits: [
      {
        file: REGISTER,
        from: "    if (redeemed === null) return { outcome: 'without', settled: this.#undo(redemption, code) };\n",
        to: "    if (redeemed === null) return { outcome: 'redeemed', settled: Promise.resolve() };\n",
      },
    ],
  },
  {
    what: 'undoes once, whether it is answered or not',
    finds: 'reverses-until-answered',
    edits: [
      {
        file: REGISTER,
        from: 'while ((await this.#ask(reversal)) === null) await this.#ports.pause(PAUSE_MS);',
        to: 'await this.#ask(reversal);',
      },
    ],
  },
  {
    what: 'gives the same request a new number when the gateway is busy',
    finds: 'same-frame-when-busy',
    edits: [
      {
        file: REGISTER,
        from: 'await this.#ports.line.ask(formatRequest(request), request.txn, request.seq);',
        to: 'await this.#askAnew(request, tries);',
      },
      {
        file: REGISTER,
        from: '  #nextSeq(): string {',
        to: `  #askAnew(request: RegisterRequest, tries: number) {
    const asked = tries === 1 ? request : { ...request, seq: this.#nextSeq() };
    return this.#ports.line.ask(formatRequest(asked), asked.txn, asked.seq);
  }

  #nextSeq(): string {`,
      },
    ],
  },
  {
    what: 'takes not done for done',
    finds: 'same-frame-when-not-done',
    edits: [
      {
        file: REGISTER,
        from: "kindOf(status.cc) === 'not_done' ? this.#ask(request) : status",
        to: 'false ? this.#ask(request) : status',
      },
    ],
  },
  {
    what: 'redeems twice',
    finds: 'redeems-once',
    edits: [
      {
        file: REGISTER,
        from: '    const redeemed = await this.#certain(redemption, code);\n',
        to: '    const redeemed = await this.#certain(redemption, code);\n    await this.#certain({ ...redemption, seq: this.#nextSeq() }, code);\n',
      },
    ],
  },
  {
    what: 'names every sale the same',
    finds: 'numbers-of-its-own',
    edits: [
      { file: REGISTER, from: 'txn: this.#ports.newTxn()', to: "txn: 'sale'" },
      { file: REGISTER, from: '    const sale = {', to: '    this.#seq = 0;\n    const sale = {' },
    ],
  },
  {
    what: 'redeems by a ref of its own',
    finds: 'redeems-when-approved',
    edits: [{ file: REGISTER, from: 'ref: validated.ref', to: 'ref: code' }],
  },
  {
    what: 'gives up at a byte that it does not know',
    finds: 'passes-over-noise',
    edits: [{ file: LINE, from: "      case 'noise':\n", to: "      case 'noise':\n        this.#end(null);\n" }],
  },
];
