/** `tearline demo-phone`: a telephone and a mailbox to try deliveries with. It plays the mail server and the provider of texts. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startMailServer } from './demo-phone/mail-server.ts';
import { Inbox } from './demo-phone/inbox.ts';
import { startPages } from './demo-phone/pages.ts';
import { SmsProvider } from './demo-phone/sms-provider.ts';

const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;
const USAGE =
  'Usage: tearline demo-phone --port N --smtp-port N --cloud URL --account NAME --token-file FILE --number NUMBER';

const TEXT = { type: 'string' } as const;
const OPTIONS = { port: TEXT, 'smtp-port': TEXT, cloud: TEXT, account: TEXT, 'token-file': TEXT, number: TEXT };

export async function demoPhone(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === null) {
    process.stderr.write(`${USAGE}\n`);
    return EXIT_USAGE;
  }
  const { port, smtpPort, cloud, account, token, number } = options;
  const inbox = new Inbox();
  const provider = new SmsProvider({ cloud, account, token, number }, inbox);
  try {
    const mail = await startMailServer(smtpPort, inbox);
    const pages = await startPages(port, inbox, provider);
    process.stdout.write(`The demo's phone: http://localhost:${port}\n`);
    await new Promise<void>((stop) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
    });
    await Promise.all([mail.close(), pages.close()]);
    return 0;
  } catch (error) {
    process.stderr.write(`The demo's phone cannot listen: ${error instanceof Error ? error.message : error}\n`);
    return EXIT_UNAVAILABLE;
  }
}

function readOptions(args: string[]) {
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    const { port, 'smtp-port': smtpPort, cloud, account, 'token-file': file, number } = values;
    if (!port || !smtpPort || !cloud || !account || !file || !number) return null;
    const token = readFileSync(file, 'utf8').trim();
    return { port: Number(port), smtpPort: Number(smtpPort), cloud, account, token, number };
  } catch {
    return null;
  }
}
