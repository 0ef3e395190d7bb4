import { once } from 'node:events';
import PostalMime, { type Attachment, type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { Inbox } from './inbox.ts';

/** A mail is some tens of kilobytes. */
const MAIL_BYTES_MAX = 5 * 1024 * 1024;

/** A mail server on this machine alone, which takes everything and shows it. @throws where the port cannot be had */
export async function startMailServer(port: number, inbox: Inbox): Promise<{ close(): Promise<void> }> {
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['AUTH', 'STARTTLS'], disableReverseLookup: true, logger: false },
    size: MAIL_BYTES_MAX,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address).join(', ');
        PostalMime.parse(Buffer.concat(chunks)).then(
          (mail) => {
            inbox.addMail(seen(mail, to));
            done();
          },
          () => done(Object.assign(new Error('5.6.0 it is no mail'), { responseCode: 554 })),
        );
      });
    },
  });
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  // A client that goes in the middle of it is the client's matter.
  server.on('error', () => undefined);
  return { close: () => new Promise((closed) => server.close(() => closed())) };
}

const seen = (mail: Email, to: string) => ({
  ...{ at: Date.now(), to, from: addressOf(mail), subject: mail.subject ?? '' },
  text: mail.text ?? '',
  html: withPictures(mail.html ?? '', mail.attachments),
});

const addressOf = ({ from }: Email): string =>
  from?.name ? `${from.name} <${from.address ?? ''}>` : (from?.address ?? '');

function withPictures(html: string, attachments: readonly Attachment[]): string {
  return attachments.reduce((page, { contentId, mimeType, content }) => {
    const id = contentId?.replace(/^<|>$/g, '');
    if (id === undefined || typeof content === 'string') return page;
    return page.replaceAll(
      `cid:${id}`,
      `data:${mimeType};base64,${Buffer.from(new Uint8Array(content)).toString('base64')}`,
    );
  }, html);
}
