import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { couponMail } from '../../cloud/distribution/post/rendering.ts';
import type { Mail, Mailer } from '../../cloud/distribution/post/providers.ts';
import { smtpMailer } from '../../cloud/distribution/post/smtp-mailer.ts';
import { freePorts, Process, until } from '../journeys/processes.ts';

/** The mailer against a mail server in a process of its own. */

const SERVER = join(import.meta.dirname, 'smtp-process.ts');
const FROM = 'Coupons <coupons@shop.example>';
let folder: string;
let file: string;
let port: number;
let server: Process;
let mailer: Mailer;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tearline-smtp-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  port = await freePorts(1);
  file = join(folder, `${port}.jsonl`);
  server = await start();
  mailer = smtpMailer({ url: `smtp://127.0.0.1:${port}`, from: FROM });
});
afterEach(async () => {
  mailer.close();
  if (!server.hasEnded) await server.stop('SIGKILL');
});

async function start(): Promise<Process> {
  const started = new Process(SERVER, [String(port), file]);
  await until('the mail server listens', async () => started.stdout.includes('listening'));
  return started;
}
const mail = (to: string, own: Partial<Mail> = {}): Mail => ({
  ...{ id: 'm1', to, subject: 'Hello', text: 'Hello.\n', html: '<p>Hello.</p>', barcode: null, unsubscribe: null },
  ...own,
});
type Accepted = { readonly to: string; readonly from: { readonly address: string }; readonly raw: string };
const accepted = (): Accepted[] => {
  try {
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Accepted);
  } catch {
    return [];
  }
};
const parsed = async (): Promise<Email> => PostalMime.parse(accepted()[0]?.raw ?? '');

describe('a mail', () => {
  test('that the server takes is accepted, many over few connections', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, i) => mailer.send(mail(`p${i}@example.com`, { id: `m${i}` }))),
    );
    expect(outcomes.every(({ is }) => is === 'accepted')).toBe(true);
    expect(new Set(accepted().map(({ to }) => to)).size).toBe(30);
    expect(await mailer.send(mail('again@example.com'))).toEqual({ is: 'accepted', providerId: null });
  });

  test('to nobody bounces; one that is not wanted fails; neither reason repeats the address', async () => {
    expect(await mailer.send(mail('nobody@example.com'))).toEqual({
      is: 'refused',
      reason: 'smtp_550 5.1.1',
      bounced: true,
    });
    expect(await mailer.send(mail('spam@example.com'))).toEqual({
      is: 'refused',
      reason: 'smtp_554 5.7.1',
      bounced: false,
    });
    expect(await mailer.send(mail('somebody@example.com'))).toMatchObject({ is: 'accepted' });
  });

  test('that is greylisted is for later, and then accepted', async () => {
    expect(await mailer.send(mail('later@example.com'))).toEqual({
      is: 'later',
      reason: 'smtp_451 4.7.1',
      retryAfterMs: null,
    });
    expect(accepted()).toEqual([]);
    expect(await mailer.send(mail('later@example.com'))).toMatchObject({ is: 'accepted' });
  });

  test('meets a server that goes before it took anything: it is away, and nothing was sent', async () => {
    expect(await mailer.send(mail('closing@example.com'))).toMatchObject({ is: 'away', reason: 'smtp_421 4.3.2' });
    await server.stop('SIGKILL');
    expect(await mailer.send(mail('ann@example.com'))).toMatchObject({ is: 'away', reason: 'smtp_no_connection' });
    expect(accepted()).toEqual([]);
    server = await start();
    expect(await mailer.send(mail('ann@example.com'))).toMatchObject({ is: 'accepted' });
  });

  test('meets a server that dies with the message in its hands: nobody knows, and it says so', async () => {
    expect(await mailer.send(mail('dies@example.com'))).toEqual({ is: 'unknown', reason: 'smtp_no_connection' });
    expect(accepted().map(({ to }) => to)).toEqual(['dies@example.com']);
  });

  test('meets a server that takes it and never answers: unknown, in its time', async () => {
    mailer.close();
    mailer = smtpMailer({ url: `smtp://127.0.0.1:${port}`, from: FROM }, { answerMs: 300 });
    expect(await mailer.send(mail('silent@example.com'))).toEqual({ is: 'unknown', reason: 'smtp_no_answer' });
    expect(accepted().length).toBe(1);
  });

  test('meets something that listens and says nothing: it is away', async () => {
    const silent = createServer();
    const [silentPort] = [await freePorts(1)];
    await new Promise<void>((resolve) => silent.listen(silentPort, '127.0.0.1', resolve));
    const other = smtpMailer({ url: `smtp://127.0.0.1:${silentPort}`, from: FROM }, { connectMs: 300 });
    expect(await other.send(mail('ann@example.com'))).toMatchObject({ is: 'away' });
    other.close();
    silent.close();
  });
});

describe('what stands in a mail', () => {
  const shown = {
    barcode: 'qr' as const,
    ...{
      title: '<script>alert(1)</script>\r\nBcc: eve@example.com',
      condition: '"A" & <b>',
      endsAt: Date.UTC(2027, 0, 1),
    },
    ...{ timeZone: 'UTC', now: 0, language: 'fr', link: 'https://coupons.example/c/x', code: '7KQ29MXD4TRB8WNS' },
  };
  const unsubscribe = 'https://coupons.example/u/token';
  const coupon = async () => couponMail(shown, { subject: null, text: null, kind: 'coupon', unsubscribe });

  test('is no other header, and no markup, whatever its title says', async () => {
    await mailer.send(mail('ann@example.com', await coupon()));
    const email = await parsed();
    expect(email.headers.map(({ key }) => key)).not.toContain('bcc');
    expect(email.subject).toBe('<script>alert(1)</script> Bcc: eve@example.com');
    expect(email.html).not.toContain('<script>');
    expect(email.html).toContain('&#34;A&#34; &#38; &#60;b&#62;');
    expect(accepted().map(({ to }) => to)).toEqual(['ann@example.com']);
  });

  test('is text and HTML with the link, the barcode inside, and an end by one click', async () => {
    await mailer.send(mail('ann@example.com', await coupon()));
    const email = await parsed();
    const header = (name: string) => email.headers.find(({ key }) => key === name)?.value;
    expect(email.text).toContain('https://coupons.example/c/x');
    expect(email.html).toContain('cid:barcode');
    expect(email.attachments).toMatchObject([{ mimeType: 'image/png', disposition: 'inline', contentId: '<barcode>' }]);
    expect(header('list-unsubscribe')).toBe(`<${unsubscribe}>`);
    expect(header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(email.messageId).toBe('<m1@shop.example>');
    expect(email.from).toMatchObject({ name: 'Coupons', address: 'coupons@shop.example' });
  });
});
