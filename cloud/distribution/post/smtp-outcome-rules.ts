import type { Outcome } from './message-rules.ts';

/** What a failed attempt over SMTP came to. Pure. */

export type SmtpFailure = {
  /** What the server answered; null: nothing. */
  readonly responseCode: number | null;
  readonly enhancedCode: string | null;
  /** The library's word, as ECONNECTION. */
  readonly code: string;
  readonly step: 'session' | 'recipient' | 'message';
  /** The server has asked for the message's text, and it was on its way. */
  readonly isBodySent: boolean;
};

/** The server ends the session for reasons of its own. */
const CLOSING = 421;

export function smtpOutcome(failure: SmtpFailure): Outcome {
  const { responseCode, step, isBodySent } = failure;
  const reason = reasonOf(failure);
  if (responseCode === null) return unanswered(failure, reason);
  const isSessionOver = responseCode === CLOSING || step === 'session';
  // With a text half sent and a server that goes, nobody knows.
  if (isSessionOver && isBodySent) return { is: 'unknown', reason };
  if (isSessionOver) return { is: 'away', reason, retryAfterMs: null };
  if (responseCode < 500) return { is: 'later', reason, retryAfterMs: null };
  return { is: 'refused', reason, bounced: step === 'recipient' };
}

function unanswered({ isBodySent, code, step }: SmtpFailure, reason: string): Outcome {
  if (isBodySent) return { is: 'unknown', reason };
  // The library itself would not send it: an address or a size that it knows the server does not take.
  if (step === 'message' && (code === 'EENVELOPE' || code === 'EMESSAGE'))
    return { is: 'refused', reason, bounced: false };
  return { is: 'away', reason, retryAfterMs: null };
}

function reasonOf({ responseCode, enhancedCode, code }: SmtpFailure): string {
  if (responseCode === null) return code === 'ETIMEDOUT' ? 'smtp_no_answer' : 'smtp_no_connection';
  return `smtp_${responseCode}${enhancedCode === null ? '' : ` ${enhancedCode}`}`;
}
