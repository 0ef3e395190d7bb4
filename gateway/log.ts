import { pino } from 'pino';

/** What the rooms may log with: fields, then a sentence. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** JSON lines on the standard output. No code, token or key, ever: by name, and once more by form. */
export function makeLog(write: (line: string) => void = (line) => void process.stdout.write(line)): Log {
  return pino(
    {
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: secretPaths, censor },
      hooks: { streamWrite: scrub },
    },
    { write },
  );
}

const secretNames = ['authorization', 'token', 'password', 'fleetKey', 'privateKey', 'cookie'];
const codeNames = ['code', 'codes'];
const secretPaths = [...secretNames, ...codeNames].flatMap((name) =>
  ['', 'body.', 'headers.'].map((where) => `${where}${name}`),
);

function censor(value: unknown, path: string[]): string {
  const isCode = codeNames.includes(path.at(-1) ?? '');
  return isCode && typeof value === 'string' ? `…${value.slice(-4)}` : '[redacted]';
}

/** What has the form of a secret, wherever it stands: in an error's message, in a path, in a field with another name. */
function scrub(line: string): string {
  return line
    .replace(/\btl_[a-z]+_[A-Za-z0-9_-]{8,}/g, '[token]')
    .replace(/-----BEGIN[^-]*PRIVATE KEY-----.*?-----END[^-]*-----/g, '[key]')
    .replace(/\b[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-([0-9A-Za-z]{4})\b(?!-)/g, '…$1')
    .replace(/\b(?=[0-9A-Z]*[A-Z])[0-9A-Z]{12}([0-9A-Z]{4})\b/g, '…$1');
}
