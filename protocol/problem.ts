import type { z } from 'zod';

/** Problem details, RFC 9457. `type` is a stable word for programs, `field` the offending part of the request. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string | undefined;
  readonly field?: string | undefined;
  /** What is wrong with a file, line by line; a file with many bad lines is told its first ones. */
  readonly errors?: readonly { readonly line: number; readonly why: string }[] | undefined;
};

const problems = {
  malformed_json: { status: 400, title: 'The body is not JSON.' },
  unauthorized: { status: 401, title: 'A valid bearer token is needed.' },
  forbidden: { status: 403, title: 'This token does not have the needed scope.' },
  enrolment_refused: { status: 403, title: 'This enrolment code is unknown, used or expired.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  host_not_allowed: { status: 421, title: 'This host name is not served here.' },
  method_not_allowed: { status: 405, title: 'This method is not served here.' },
  conflict: { status: 409, title: 'It is already there, or another state stands against it.' },
  body_too_large: { status: 413, title: 'The body is larger than this call takes.' },
  unsupported_media_type: { status: 415, title: 'This content type is not taken here.' },
  invalid_request: { status: 422, title: 'The request is not well-formed.' },
  basket_conflict: { status: 422, title: 'This basket has redeemed this code with another lane or total.' },
  idempotency_conflict: { status: 422, title: 'This Idempotency-Key was used with another body.' },
  duplicate_code: { status: 422, title: 'The same code stands twice in the basket.' },
  import_refused: { status: 422, title: 'The file cannot be imported. Nothing of it was.' },
  cap_exceeded: { status: 422, title: 'The campaign’s cap would be exceeded.' },
  none_left: { status: 409, title: 'No coupon of this campaign is left.' },
  not_set_up: { status: 409, title: 'This channel is not set up: the cloud’s settings name no provider for it.' },
  ended: { status: 409, title: 'This campaign has ended.' },
  too_many_failures: { status: 429, title: 'Too many failed attempts. Wait before the next one.' },
  not_proved: { status: 403, title: 'These are not the digits, or they are too old or were tried too often.' },
  too_many: { status: 429, title: 'Too many for now. Wait before the next one.' },
  internal: { status: 500, title: 'A defect of ours. It was logged.' },
  unavailable: { status: 503, title: 'This process cannot read or write its own store.' },
} as const;

export type ProblemType = keyof typeof problems;

export function problem(type: ProblemType, about: Pick<Problem, 'detail' | 'field' | 'errors'> = {}): Problem {
  return { type, ...problems[type], ...about };
}

/** The first thing that a schema did not like, as a problem. The value itself is never repeated: it may be a code. */
export function invalidRequest(error: z.ZodError): Problem {
  const issue = error.issues[0];
  const field =
    issue === undefined ? '' : [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys : [])].join('.');
  return problem('invalid_request', { field, ...(issue === undefined ? {} : { detail: issue.message }) });
}
