import pino from 'pino';

/** What the rooms of the cloud say to the operator. Fields first, then one sentence. */
export type Log = {
  info(fields: Readonly<Record<string, unknown>>, sentence: string): void;
  warn(fields: Readonly<Record<string, unknown>>, sentence: string): void;
  error(fields: Readonly<Record<string, unknown>>, sentence: string): void;
};

/** JSON lines on standard output. What could be spent or could log in never gets there. */
export function createLog(): Log {
  return pino({
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    serializers: { err: describeError },
  });
}

const secretFields = ['code', 'codes', 'token', 'password', 'authorization', 'fleetKey', 'publicKey'];

function describeError(error: unknown) {
  if (!(error instanceof Error)) return { message: withoutSecrets(String(error)) };
  return { type: error.name, message: withoutSecrets(error.message), stack: withoutSecrets(error.stack ?? '') };
}

/** An error's text can carry what it was about: tokens and all that could be a code, ours or an enrolment's. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/tl_[a-z]+_[A-Za-z0-9_-]+/g, '[redacted]')
    .replace(/\b(?=[0-9A-Z-]*[0-9])[0-9A-Z]{4}(-?[0-9A-Z]{4}){3}\b/g, '[redacted]');
}
