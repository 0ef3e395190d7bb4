import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Ports } from './seed.ts';

/** The number to which people text in the demo. */
const NUMBER = '+12025550100';
const ACCOUNT = 'ACdemo';
/** The demo is tried by one person, who does not want to wait. */
const PER_SECOND = '100';

export type Phone = {
  readonly url: string;
  readonly pid: number;
  /** With which a cloud sends its messages there. */
  readonly settings: Readonly<Record<string, string>>;
};

/** The demo's mail server and provider of text messages, which show what was sent. Before the cloud, which uses them. */
export async function startPhone(data: string, ports: Ports, cloud: string, children: Children): Promise<Phone> {
  const folder = join(data, 'phone');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const tokenFile = join(folder, 'sms-token');
  if (!existsSync(tokenFile)) writeFileSync(tokenFile, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  const smtpFile = join(folder, 'smtp-url');
  writeFileSync(smtpFile, `smtp://127.0.0.1:${ports.smtp}\n`, { mode: 0o600 });
  const url = `http://localhost:${ports.phone}`;
  const args = [
    ...['demo-phone', '--port', String(ports.phone), '--smtp-port', String(ports.smtp), '--cloud', cloud],
    ...['--account', ACCOUNT, '--token-file', tokenFile, '--number', NUMBER],
  ];
  return {
    url,
    pid: await children.start('phone', ports.phone, args, {}),
    settings: {
      TEARLINE_SMTP_URL_FILE: smtpFile,
      TEARLINE_MAIL_FROM: 'Tearline demo <coupons@tearline.example>',
      TEARLINE_MAILS_PER_SECOND: PER_SECOND,
      TEARLINE_SMS_URL: url,
      TEARLINE_SMS_ACCOUNT: ACCOUNT,
      TEARLINE_SMS_TOKEN_FILE: tokenFile,
      TEARLINE_SMS_FROM: NUMBER,
      TEARLINE_TEXTS_PER_SECOND: PER_SECOND,
    },
  };
}
