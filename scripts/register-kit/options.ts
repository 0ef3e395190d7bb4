import { parseArgs, type ParseArgsConfig } from 'node:util';
import { z } from 'zod';
import { LRC_DEFAULT } from '../../protocol/register-frame/frame.ts';
import { SLACK_MS_DEFAULT } from './wire.ts';

const known = {
  port: { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
  code: { type: 'string' },
  total: { type: 'string', default: '4200' },
  baud: { type: 'string', default: '9600' },
  'lrc-base': { type: 'string', default: LRC_DEFAULT.base },
  'lrc-cover': { type: 'string', default: LRC_DEFAULT.cover },
  check: { type: 'string', multiple: true, default: [] },
  slack: { type: 'string', default: String(SLACK_MS_DEFAULT) },
  json: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

const numbersSchema = z.object({
  total: z.coerce.number().int().min(0),
  slack: z.coerce.number().int().min(0).max(1_400),
  baud: z.coerce.number().int().min(300).max(921_600),
  lrc: z.object({ base: z.enum(['00', '7F']), cover: z.enum(['payload', 'payload+etx', 'stx+payload+etx']) }),
});

export type Options = NonNullable<ReturnType<typeof readOptions>>;

/** Null where they are not what the help says. */
export function readOptions(args: string[]) {
  try {
    const { values } = parseArgs({ args, options: known });
    const { port, url, token, code, check, json } = values;
    const lrc = { base: values['lrc-base'], cover: values['lrc-cover'] };
    return {
      port,
      url,
      token,
      code,
      check,
      json,
      ...numbersSchema.parse({ total: values.total, slack: values.slack, baud: values.baud, lrc }),
    };
  } catch {
    return null;
  }
}
