import { z } from 'zod';
import { REASONS, reasonSchema } from '../../protocol/decision.ts';
import { basketViewSchema, decisionSchema, reversalSchema } from '../../protocol/redemption-api.ts';
import { testCode } from '../../protocol/test-codes.ts';
import { type Check, expect } from './check.ts';
import { expectDecision, type HttpRegister } from './http-register.ts';

/** What the gateway must answer over HTTP. */
type HttpCheck = Check<HttpRegister>;

const token: HttpCheck = {
  name: 'http-token',
  guide: 'Every call carries a register token; without one the answer is 401.',
  async run(register) {
    for (const given of [null, 'tl_register_wrong']) {
      const { status, brief } = await register.call('/v1/validations', register.sale('TEST-APPROVED'), given);
      expect(status === 401, '401', brief);
    }
  },
};

const approves: HttpCheck = {
  name: 'http-approves',
  guide: 'A decision is always status 200.',
  async run(register) {
    const validated = await register.validate('TEST-APPROVED');
    expectDecision(validated, 'approved', 'TEST-APPROVED');
    expect(validated.mode !== null && validated.offer !== null, 'a mode and an offer', JSON.stringify(validated));
    const { redemption } = await register.redeem('TEST-APPROVED');
    expect(redemption?.basket === register.basket, `a redemption of ${register.basket}`, JSON.stringify(redemption));
  },
};

const reasons: HttpCheck = {
  name: 'http-reasons',
  guide: 'Each test code answers its reason.',
  async run(register) {
    for (const reason of reasonSchema.options)
      expectDecision(
        await register.validate(testCode(reason)),
        `${REASONS[reason].decision}: ${reason}`,
        testCode(reason),
      );
  },
};

const cannotVerify: HttpCheck = {
  name: 'http-cannot-verify-is-no-decline',
  guide: 'An undetermined decision is never a decline: the coupon may be good, and cannot be verified now.',
  async run(register) {
    const { decision } = await register.validate('TEST-CANNOT_VERIFY');
    expect(decision === 'undetermined', 'undetermined', decision);
  },
};

const sameAnswer: HttpCheck = {
  name: 'http-same-call-same-answer',
  guide: 'The same call again gets the same answer, with the same redemption id.',
  async run(register) {
    const first = await register.redeem('TEST-APPROVED');
    const second = await register.redeem('TEST-APPROVED');
    expect(first.redemption?.id === second.redemption?.id, `${first.redemption?.id}`, `${second.redemption?.id}`);
  },
};

const severalCodes: HttpCheck = {
  name: 'http-several-codes',
  guide: 'Several codes in one call get one decision each, in their order.',
  async run(register) {
    const codes = ['TEST-APPROVED', 'TEST-EXPIRED'];
    const results = z.object({ results: z.array(decisionSchema) });
    const answer = await register.good('/v1/validations', results, { codes, basket: register.basket, lane: '1' });
    const came = answer.results.map(({ reason }) => reason ?? 'approved').join(', ');
    expect(came === 'approved, expired', 'approved, expired', came);
  },
};

const notWellFormed: HttpCheck = {
  name: 'http-not-well-formed',
  guide: 'What is not well-formed is refused with 4xx and the field that is wrong.',
  async run(register) {
    const fields = [
      { total: { amount: 4.2, currency: 'USD' } },
      { basket: '' },
      { codes: ['TEST-APPROVED'] },
      { surprise: true },
    ];
    for (const wrong of fields) {
      const { status, json, brief } = await register.call('/v1/validations', register.sale('TEST-APPROVED', wrong));
      const names = z.object({ type: z.string(), field: z.string().min(1) }).safeParse(json).success;
      expect(status >= 400 && status < 500 && names, '4xx with type and field', brief);
    }
  },
};

const unknownBasket: HttpCheck = {
  name: 'http-unknown-basket',
  guide: 'A basket of which nothing is known is answered with no codes; that is no proof that nothing will land.',
  async run(register) {
    const { codes } = await register.good(`/v1/baskets/${register.basket}`, basketViewSchema);
    expect(codes.length === 0, 'no codes', JSON.stringify(codes));
  },
};

export const HTTP_CHECKS: readonly HttpCheck[] = [
  token,
  approves,
  reasons,
  cannotVerify,
  sameAnswer,
  severalCodes,
  notWellFormed,
  unknownBasket,
];

/** What only a coupon can show; it is reversed at the end. One check: over HTTP its steps follow from each other. */
export function httpCouponChecks(code: string): readonly HttpCheck[] {
  return [
    {
      name: 'http-one-basket',
      guide: 'A coupon that is in use by one basket is refused to every other one.',
      async run(register) {
        expectDecision(await register.validate(code), 'approved', 'the coupon');
        const other = await register.validate(code, { basket: `${register.basket}-b` });
        expectDecision(other, 'refused: in_use', 'another basket');
        const released = z.object({ released: z.literal(true) });
        await register.good('/v1/releases', released, { code, basket: register.basket });
      },
    },
    {
      name: 'http-spent-once',
      guide:
        'A redeemed coupon is approved to its basket as often as it asks, and refused with already_redeemed to every other one.',
      async run(register) {
        const first = await register.redeem(code);
        expectDecision(first, 'approved', 'the coupon');
        const again = await register.redeem(code);
        expect(again.redemption?.id === first.redemption?.id, `${first.redemption?.id}`, `${again.redemption?.id}`);
        const other = await register.redeem(code, { basket: `${register.basket}-b` });
        expectDecision(other, 'refused: already_redeemed', 'another basket');
        const total = { amount: 4300, currency: 'USD' };
        const { status, brief } = await register.call('/v1/redemptions', register.sale(code, { total }));
        expect(status === 422, '422 for another total', brief);
        await reverse(register, code);
        expectDecision(await register.redeem(code), 'refused: reversed_first', 'the same basket after the reversal');
      },
    },
  ];
}

async function reverse(register: HttpRegister, code: string): Promise<void> {
  const body = { code, basket: register.basket, reason: 'conformance kit' };
  const { reversed } = await register.good('/v1/reversals', reversalSchema, body);
  expect(reversed === true, 'reversed: true', String(reversed));
}
