import MailComposer from 'nodemailer/lib/mail-composer';
import type { Mail, Mailer } from './providers.ts';
import { type Composed, PATIENCE, type Patience, SmtpLine } from './smtp-line.ts';

export type SmtpSettings = {
  /** `smtp:` or `smtps:`, with user and password where the server wants them. */
  readonly url: string;
  /** As in a header: `Name <name@example.com>`. */
  readonly from: string;
};

/** Sends over connections that it keeps for a while. It asks the protocol itself, step by step, to know what was accepted. */
export function smtpMailer({ url, from }: SmtpSettings, patience: Partial<Patience> = {}): Mailer {
  const server = new URL(url);
  const idle: SmtpLine[] = [];
  let closed = false;

  return {
    async send(mail) {
      const composed = await compose(from, mail);
      let line = idle.pop();
      // A line that has ended meanwhile says so at once, before anything is sent.
      while (line?.isOver) line = idle.pop();
      line ??= new SmtpLine(server, { ...PATIENCE, ...patience }, (over) => {
        const at = idle.indexOf(over);
        if (at !== -1) idle.splice(at, 1);
      });
      const outcome = await line.send(composed);
      if (closed || outcome.is === 'away' || outcome.is === 'unknown') line.close();
      else if (!line.isOver) idle.push(line);
      return outcome;
    },
    close() {
      closed = true;
      for (const line of idle.splice(0)) line.close();
    },
  };
}

async function compose(from: string, mail: Mail): Promise<Composed> {
  const composer = new MailComposer({
    from,
    to: { name: '', address: mail.to },
    ...{ subject: mail.subject, text: mail.text, html: mail.html },
    messageId: `<${mail.id}@${domainOf(from)}>`,
    headers: headersOf(mail),
    attachments:
      mail.barcode === null
        ? []
        : [
            {
              filename: 'coupon.png',
              content: Buffer.from(mail.barcode),
              cid: 'barcode',
              contentDisposition: 'inline',
            },
          ],
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const message = composer.compile();
  const envelope = message.getEnvelope();
  return { from: envelope.from || '', to: mail.to, bytes: await message.build() };
}

/** RFC 2369, and RFC 8058: a mail program may end it with one request of its own. */
function headersOf({ unsubscribe }: Mail): Record<string, string> {
  if (unsubscribe === null) return { 'Auto-Submitted': 'auto-generated' };
  return { 'List-Unsubscribe': `<${unsubscribe}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
}

const domainOf = (from: string): string => /@([^@>\s]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';
