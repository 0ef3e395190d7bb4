import { Readable } from 'node:stream';
import SmtpConnection from 'nodemailer/lib/smtp-connection';
import { isLoopback } from '../../../protocol/settings.ts';
import type { Outcome } from './message-rules.ts';
import { type SmtpFailure, smtpOutcome } from './smtp-outcome-rules.ts';

/** The standard lets a server think for ten minutes over a message it has read. Ours are small: who takes longer is stuck. */
export const PATIENCE = { connectMs: 10_000, answerMs: 60_000 };
export type Patience = typeof PATIENCE;
/** Servers end connections that carry too many messages or none for a while: rather we do. */
const MESSAGES_PER_CONNECTION_MAX = 100;
const IDLE_MS = 20_000;

export type Composed = { readonly from: string; readonly to: string; readonly bytes: Buffer };

/** One connection, one message at a time. */
export class SmtpLine {
  readonly #server: URL;
  readonly #smtp: SmtpConnection;
  readonly #ended: (line: SmtpLine) => void;
  #opened: Promise<void> | null = null;
  #sent = 0;
  #idle: NodeJS.Timeout | undefined;
  isOver = false;

  constructor(server: URL, { connectMs, answerMs }: Patience, ended: (line: SmtpLine) => void) {
    this.#server = server;
    this.#ended = ended;
    const secure = server.protocol === 'smtps:';
    const host = server.hostname.replace(/^\[|\]$/g, '');
    this.#smtp = new SmtpConnection({
      ...{ host, secure, port: server.port === '' ? (secure ? 465 : 587) : Number(server.port) },
      // To another machine nothing goes in the clear; on this one there may be a relay without a certificate.
      ...(isLoopback(host) ? { ignoreTLS: !secure } : { requireTLS: true }),
      ...{ connectionTimeout: connectMs, greetingTimeout: connectMs, socketTimeout: answerMs },
    });
    this.#smtp.on('end', () => this.#over());
    // Whoever is waiting is told by its own callback.
    this.#smtp.on('error', () => this.#over());
  }

  async send({ from, to, bytes }: Composed): Promise<Outcome> {
    clearTimeout(this.#idle);
    let isBodySent = false;
    const body = Readable.from(
      (function* () {
        // Read when the server has said that it wants it, and not before.
        isBodySent = true;
        yield bytes;
      })(),
    );
    try {
      this.#opened ??= this.#open();
      await this.#opened;
      await this.#transfer({ from, to }, body);
      this.#rest();
      return { is: 'accepted', providerId: null };
    } catch (error) {
      const failure = { ...failureOf(error), isBodySent };
      if (failure.responseCode === null || failure.step === 'session') this.close();
      else await this.#reset();
      return smtpOutcome(failure);
    } finally {
      body.destroy();
    }
  }

  close(): void {
    this.#over();
    this.#smtp.close();
  }

  #open(): Promise<void> {
    return new Promise((opened, failed) => {
      // A connection that fails on its way says so as an event alone.
      this.#smtp.once('error', failed);
      this.#smtp.connect((error) => {
        if (error) return failed(error);
        const { username, password } = this.#server;
        if (username === '') return opened();
        const credentials = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
        this.#smtp.login({ credentials }, (refused) => (refused ? failed(refused) : opened()));
      });
    });
  }

  #transfer(envelope: { from: string; to: string }, body: Readable): Promise<void> {
    return new Promise((sent, failed) => {
      if (this.isOver) return failed(new Error('the connection has ended'));
      this.#smtp.send(envelope, body, (error) => (error ? failed(error) : sent()));
    });
  }

  #rest(): void {
    this.#sent += 1;
    if (this.#sent >= MESSAGES_PER_CONNECTION_MAX) this.#quit();
    else this.#idle = setTimeout(() => this.#quit(), IDLE_MS).unref();
  }

  async #reset(): Promise<void> {
    await new Promise<void>((done) => {
      if (this.isOver) return done();
      this.#smtp.once('end', () => done());
      this.#smtp.reset((error) => {
        if (error) this.close();
        done();
      });
    });
    if (!this.isOver) this.#rest();
  }

  #quit(): void {
    this.#over();
    this.#smtp.quit();
  }

  #over(): void {
    clearTimeout(this.#idle);
    if (this.isOver) return;
    this.isOver = true;
    this.#ended(this);
  }
}

function failureOf(error: unknown): Omit<SmtpFailure, 'isBodySent'> {
  const about: SmtpConnection.SMTPError = error instanceof Error ? error : new Error('unknown');
  return {
    responseCode: about.responseCode ?? null,
    // RFC 3463, as 5.1.1. The rest of the server's sentence often repeats the address.
    enhancedCode: /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(about.response ?? '')?.[1] ?? null,
    code: about.code ?? '',
    step: stepOf(about.command ?? ''),
  };
}

function stepOf(command: string): SmtpFailure['step'] {
  switch (command) {
    case 'RCPT TO':
      return 'recipient';
    case 'MAIL FROM':
    case 'DATA':
    case 'API':
      return 'message';
    default:
      return 'session';
  }
}
