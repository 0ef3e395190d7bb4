import type { RegisterAnswer } from '../../protocol/register-frame/answer.ts';
import { APPROVED, NOT_DONE, REASON_ROWS } from '../../protocol/register-frame/answer-codes.ts';
import { DISPLAY_CHARACTERS, isPrintable } from '../../protocol/register-frame/frame.ts';
import { reasonSchema } from '../../protocol/decision.ts';
import { testCode } from '../../protocol/test-codes.ts';
import { type Check, expect } from './check.ts';
import { type PlayedRegister, TOTAL } from './played-register.ts';

/** What the gateway must answer about coupons. */
type SaleCheck = Check<PlayedRegister>;

const answerForm: SaleCheck = {
  name: 'answer-form',
  guide: 'An approval carries the mode, a ref, a value and a text of at most 20 characters.',
  async run(register) {
    const { cc, mode, ref, value, text } = await register.validate('TEST-APPROVED');
    const came = `${cc} mode '${mode}' ref '${ref}' value '${value}' text '${text}'`;
    expect(cc === APPROVED && mode !== '' && ref !== '' && value === '500', '00, a mode, a ref, the value 500', came);
    expect(isShown(text), `1 to ${DISPLAY_CHARACTERS} printable characters`, came);
  },
};

const redeems: SaleCheck = {
  name: 'redeems',
  guide: 'R with the ref of the approval redeems.',
  async run(register) {
    const { ref } = await register.validate('TEST-APPROVED');
    register.expectCc(await register.ask({ kind: 'redeem', ref }), APPROVED, 'R with its ref');
  },
};

const reasons: SaleCheck = {
  name: 'reasons',
  guide: 'Every reason has its own cc.',
  async run(register) {
    for (const reason of reasonSchema.options) {
      const answer = await register.validate(testCode(reason));
      register.expectCc(answer, REASON_ROWS[reason].cc, testCode(reason));
      expect(isShown(answer.text), `a text for ${reason}`, `'${answer.text}'`);
    }
  },
};

const cannotVerifyIsNoDecline: SaleCheck = {
  name: 'cannot-verify-is-no-decline',
  guide: 'A cc that begins with 2 is never a decline: the coupon may be good, and cannot be verified now.',
  async run(register) {
    for (const reason of ['cannot_verify', 'stand_in_limit'] as const) {
      const { cc, text } = await register.validate(testCode(reason));
      expect(cc.startsWith('2'), `2x for ${testCode(reason)}`, `${cc} ${text}`);
    }
  },
};

const statusKnown: SaleCheck = {
  name: 'status-known',
  guide: 'S says what became of a request: what it would be answered now.',
  async run(register) {
    const [good, bad] = [register.seq(), register.seq()];
    await register.ask({ kind: 'validate', code: 'TEST-APPROVED', amount: TOTAL }, good);
    await register.ask({ kind: 'validate', code: 'TEST-EXPIRED', amount: TOTAL }, bad);
    for (const [origSeq, cc] of [
      [good, APPROVED],
      [bad, REASON_ROWS.expired.cc],
    ] as const)
      register.expectCc(await register.ask({ kind: 'status', origSeq, code: null }), cc, `S of seq ${origSeq}`);
  },
};

const statusUnknown: SaleCheck = {
  name: 'status-unknown',
  guide: 'S of a request that was not done, or of which nothing is known, is answered with 33.',
  async run(register) {
    const answer = await register.ask({ kind: 'status', origSeq: register.seq(), code: null });
    register.expectCc(answer, NOT_DONE, 'S of a seq that never came');
  },
};

const reverseBefore: SaleCheck = {
  name: 'reverse-before',
  guide: 'X of a request that never came is answered with 00, and the request is refused with 15 if it comes late.',
  async run(register) {
    const late = register.seq();
    const undone = await register.ask({ kind: 'reverse', origSeq: late, cause: '4021', code: null });
    register.expectCc(undone, APPROVED, 'X of a seq that never came');
    const answer = await register.ask({ kind: 'validate', code: 'TEST-APPROVED', amount: TOTAL }, late);
    register.expectCc(answer, REASON_ROWS.reversed_first.cc, 'the request that came late');
  },
};

const reverseAgain: SaleCheck = {
  name: 'reverse-again',
  guide: 'X sent again is answered again.',
  async run(register) {
    const [orig, seq] = [register.seq(), register.seq()];
    await register.ask({ kind: 'validate', code: 'TEST-APPROVED', amount: TOTAL }, orig);
    for (const time of ['first', 'second']) {
      const answer = await register.ask({ kind: 'reverse', origSeq: orig, cause: '4021', code: null }, seq);
      register.expectCc(answer, APPROVED, `X for the ${time} time`);
    }
  },
};

export const GATEWAY_SALE_CHECKS: readonly SaleCheck[] = [
  answerForm,
  redeems,
  reasons,
  cannotVerifyIsNoDecline,
  statusKnown,
  statusUnknown,
  reverseBefore,
  reverseAgain,
];

/** What only a coupon can show; the last check redeems it and undoes that again. */
export function couponChecks(code: string): readonly SaleCheck[] {
  return [
    {
      name: 'one-basket',
      guide: 'A coupon that is in use by one basket is refused to every other one.',
      async run(register) {
        const { seq } = await taken(register, code);
        const other = await register.validate(code, `${register.txn}-b`);
        register.expectCc(other, REASON_ROWS.in_use.cc, 'another basket');
        await undo(register, seq, '4000');
      },
    },
    {
      name: 'reversed-first',
      guide: 'After X the coupon is refused with 15 in that basket, whatever comes: a sale rung again needs a new txn.',
      async run(register) {
        const { seq } = await taken(register, code);
        await undo(register, seq, '4021');
        register.expectCc(await register.validate(code), REASON_ROWS.reversed_first.cc, 'the same basket after X');
      },
    },
    {
      name: 'spent-once',
      guide: 'A redeemed coupon is approved to its basket as often as it asks, and refused with 10 to every other one.',
      async run(register) {
        const { ref } = await taken(register, code);
        const redeemed = await register.ask({ kind: 'redeem', ref });
        register.expectCc(redeemed, APPROVED, 'R');
        register.expectCc(await register.ask({ kind: 'redeem', ref }), APPROVED, 'R again');
        const other = await register.validate(code, `${register.txn}-b`);
        register.expectCc(other, REASON_ROWS.already_redeemed.cc, 'another basket');
        await undo(register, redeemed.seq, '4000');
        const status = await register.ask({ kind: 'status', origSeq: redeemed.seq, code: null });
        register.expectCc(status, REASON_ROWS.reversed_first.cc, 'S after X');
      },
    },
  ];
}

/** What another check gave back may take a moment to be free again. */
const FREE_AGAIN_TRIES = 5;
const FREE_AGAIN_PAUSE_MS = 1_000;

async function taken(register: PlayedRegister, code: string): Promise<RegisterAnswer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await register.validate(code);
    if (answer.cc === APPROVED) return answer;
    expect(tries < FREE_AGAIN_TRIES, `${APPROVED} for the coupon`, `${answer.cc} ${answer.text}`);
    await register.wire.pause(FREE_AGAIN_PAUSE_MS);
  }
}

async function undo(register: PlayedRegister, origSeq: string, cause: '4000' | '4021'): Promise<void> {
  register.expectCc(await register.ask({ kind: 'reverse', origSeq, cause, code: null }), APPROVED, 'X');
}

const isShown = (text: string): boolean => text !== '' && text.length <= DISPLAY_CHARACTERS && isPrintable(text);
