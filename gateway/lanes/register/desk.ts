import {
  APPROVED,
  BASKET_CONFLICT,
  NOT_DONE,
  NOT_UNDERSTOOD,
  REASON_ROWS,
  UNAVAILABLE,
} from '../../../protocol/register-frame/answer-codes.ts';
import { type Said, say, sayDecision } from '../../../protocol/register-frame/answer.ts';
import { REVERSAL_CAUSES, type RegisterRequest } from '../../../protocol/register-frame/request.ts';
import { type Money, moneySchema } from '../../../protocol/money.ts';
import { type Till, TillUnavailable } from '../../till/port.ts';
import { type Entry, find, type Memory } from './memory-rules.ts';

export type DeskPorts = {
  readonly till: Pick<Till, 'validate' | 'redeem' | 'reverse' | 'basket' | 'history' | 'status'>;
  /** Of the amounts on the line, ISO 4217. */
  readonly currency: string;
};

/** What a register is told, and the code that it was about. */
export type Outcome = { readonly said: Said; readonly code: string | null };

/** The serial door to the till: the same calls as over HTTP. A till that cannot answer says so, and nothing is remembered. */
export async function askTill(request: RegisterRequest, memory: Memory, ports: DeskPorts): Promise<Outcome> {
  try {
    return await outcomeOf(request, memory, ports);
  } catch (error) {
    if (error instanceof TillUnavailable) return { said: say(UNAVAILABLE, 'TRY AGAIN'), code: null };
    throw error;
  }
}

function outcomeOf(request: RegisterRequest, memory: Memory, ports: DeskPorts): Promise<Outcome> | Outcome {
  switch (request.kind) {
    case 'validate':
      return validate(request, ports);
    case 'redeem':
      return redeem(request, ports);
    case 'reverse':
      return reverse(request, memory, ports);
    case 'status':
      return status(request, memory, ports);
    case 'ping':
      return { said: ping(ports.till), code: null };
  }
}

type Of<K extends RegisterRequest['kind']> = Extract<RegisterRequest, { kind: K }>;

async function validate(request: Of<'validate'>, { till, currency }: DeskPorts): Promise<Outcome> {
  const { code, amount } = request;
  return decide(till.validate(saleOf(request, code, amount, currency)), code, amount);
}

async function redeem(request: Of<'redeem'>, { till, currency }: DeskPorts): Promise<Outcome> {
  const ref = parseRef(request.ref);
  if (ref === null) return { said: say(NOT_UNDERSTOOD, 'REF NOT KNOWN'), code: null };
  return decide(till.redeem(saleOf(request, ref.code, ref.amount, currency)), ref.code, ref.amount);
}

function saleOf({ lane, txn }: RegisterRequest, code: string, amount: number | null, currency: string) {
  const total: Money | null = amount === null ? null : { amount, currency };
  return { codes: [code], allOrNone: false, basket: txn, lane, total, customer: null, discount: null };
}

async function decide(asked: ReturnType<Till['validate']>, code: string, amount: number | null): Promise<Outcome> {
  const decided = await asked;
  if (!decided.ok) return { said: say(BASKET_CONFLICT, 'OTHER TOTAL OR LANE'), code };
  const [decision] = decided.value;
  if (decision === undefined) throw new Error('the till left a code undecided');
  return { said: sayDecision(decision, formatRef(code, amount)), code };
}

/** Undone when this resolves with an approval, whatever has become of the request by then. */
async function reverse(request: Of<'reverse'>, memory: Memory, { till }: DeskPorts): Promise<Outcome> {
  const { txn, origSeq, cause } = request;
  const code = find(memory, txn, origSeq)?.code ?? request.code;
  if (code === null) return { said: await reverseUnknown(txn, till), code };
  await till.reverse({ code, basket: txn, reason: `${cause} ${REVERSAL_CAUSES[cause]}`, door: null });
  return { said: UNDONE, code };
}

/** A number that never came, or that a restart forgot: then the register must say which code it was. */
async function reverseUnknown(txn: string, till: DeskPorts['till']): Promise<Said> {
  const { codes } = await till.basket(txn);
  const stands = codes.some(({ state }) => state === 'in_use' || state === 'redeemed');
  return stands ? say(NOT_DONE, 'SEND IT WITH CODE') : UNDONE;
}

const UNDONE = say(APPROVED, 'UNDONE');

/** What became of a request. It changes nothing; only what certainly stands is approved [P12]. */
async function status({ txn, origSeq, code }: Of<'status'>, memory: Memory, { till }: DeskPorts): Promise<Outcome> {
  const entry = find(memory, txn, origSeq);
  if (entry?.isUndone) return { said: REVERSED, code: null };
  const about = entry?.code ?? code;
  if (about === null) return { said: NOTHING_DONE, code: null };
  if (entry?.said && (entry.said.cc !== APPROVED || isTestCode(about))) return { said: entry.said, code: null };
  return { said: saidNow(entry, await stateIn(txn, about, till)), code: null };
}

type State = 'in_use' | 'redeemed' | 'reversed' | null;

/** What the till has written of this code in this basket. */
async function stateIn(txn: string, code: string, till: DeskPorts['till']): Promise<State> {
  const known = await till.history(code);
  const whats = known?.history.filter(({ basket }) => basket === txn).map(({ what }) => what) ?? [];
  if (whats.includes('reversed')) return 'reversed';
  if (whats.includes('redeemed')) return 'redeemed';
  return whats.includes('in_use') ? 'in_use' : null;
}

function saidNow(entry: Entry | undefined, state: State): Said {
  switch (state) {
    case 'reversed':
      return REVERSED;
    case 'redeemed':
      return entry?.said ?? say(APPROVED, 'REDEEMED');
    case 'in_use':
      // A validation stands while its code is in use; a redemption that was not written does not.
      return entry?.kind === 'validate' && entry.said ? entry.said : NOTHING_DONE;
    case null:
      return NOTHING_DONE;
  }
}

const NOTHING_DONE = say(NOT_DONE, 'NOT DONE');
const REVERSED = say(REASON_ROWS.reversed_first.cc, REASON_ROWS.reversed_first.text);

/** The till keeps nothing of them. */
const isTestCode = (code: string): boolean => /^\s*test-/i.test(code);

function ping(till: DeskPorts['till']): Said {
  const { state, line } = till.status();
  if (state !== 'validated') return say(UNAVAILABLE, 'SEE STATUS PAGE');
  return say(APPROVED, line.state === 'up' ? 'READY' : 'READY, LINE IS DOWN');
}

/** The total and the code of an approval, so that a redemption needs no memory of it: `4200*7KQ2…`. */
const formatRef = (code: string, amount: number | null): string => `${amount ?? ''}*${code}`;

/** Null: no gateway gave this. */
function parseRef(ref: string): { readonly code: string; readonly amount: number | null } | null {
  const [, digits, code] = /^([0-9]*)\*(.+)$/s.exec(ref) ?? [];
  if (digits === undefined || code === undefined) return null;
  if (digits === '') return { code, amount: null };
  const amount = moneySchema.shape.amount.safeParse(Number(digits));
  return amount.success ? { code, amount: amount.data } : null;
}
