import { randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { smsSignature } from '../../cloud/distribution/post/sms-signature.ts';
import type { Inbox } from './inbox.ts';

export type ProviderSettings = {
  readonly cloud: string;
  readonly account: string;
  readonly token: string;
  /** Ours, to which people text. */
  readonly number: string;
};

/** The provider's answer: what it takes, or its own error code. */
export type ProviderAnswer = { readonly status: number; readonly json: object };

/** The provider's own limit. */
const BODY_CHARACTERS_MAX = 1_600;
/** A text is on its way for a moment. */
const ON_ITS_WAY_MS = 200;

/** Plays a provider of text messages: checks every request as it would, reports what became of it, and passes texts on. */
export class SmsProvider {
  readonly #settings: ProviderSettings;
  readonly #inbox: Inbox;

  constructor(settings: ProviderSettings, inbox: Inbox) {
    this.#settings = settings;
    this.#inbox = inbox;
  }

  get path(): string {
    return `/2010-04-01/Accounts/${this.#settings.account}/Messages.json`;
  }

  get number(): string {
    return this.#settings.number;
  }

  take(authorization: string | undefined, form: URLSearchParams): ProviderAnswer {
    if (!this.#isOurs(authorization)) return refused(401, 20_003, 'Authenticate');
    const [to, from, text, callback] = ['To', 'From', 'Body', 'StatusCallback'].map((name) => form.get(name) ?? '');
    if (!isNumber(to)) return refused(400, 21_211, "The 'To' number is not a valid phone number");
    if (from !== this.#settings.number) return refused(400, 21_606, "The 'From' number is not yours");
    if (!text) return refused(400, 21_602, 'Message body is required');
    if (text.length > BODY_CHARACTERS_MAX) return refused(400, 21_617, 'The message body exceeds its limit');
    if (callback && URL.parse(callback) === null) return refused(400, 21_609, "Invalid 'StatusCallback' URL");
    const sid = newSid();
    this.#inbox.addText({ at: Date.now(), direction: 'in', phone: to ?? '', text });
    if (callback) void this.#report(callback, sid, to ?? '');
    return { status: 201, json: { sid, status: 'queued', to, from, body: text, error_code: null } };
  }

  /** Somebody texts to our number. @returns whether the cloud has taken it */
  async textTo(phone: string, text: string): Promise<boolean> {
    this.#inbox.addText({ at: Date.now(), direction: 'out', phone, text });
    const { account, number, cloud } = this.#settings;
    const form = new URLSearchParams({
      MessageSid: newSid(),
      AccountSid: account,
      From: phone,
      To: number,
      Body: text,
    });
    return this.#post(`${cloud}/sms/inbound`, form);
  }

  async #report(url: string, sid: string, to: string): Promise<void> {
    for (const status of ['sent', 'delivered']) {
      await sleep(ON_ITS_WAY_MS);
      const { account, number } = this.#settings;
      const about = { MessageSid: sid, AccountSid: account, MessageStatus: status, From: number, To: to };
      await this.#post(url, new URLSearchParams(about));
    }
  }

  async #post(url: string, form: URLSearchParams): Promise<boolean> {
    try {
      const headers = { 'x-twilio-signature': smsSignature(this.#settings.token, url, form) };
      return (await fetch(url, { method: 'POST', body: form, headers })).ok;
    } catch {
      return false;
    }
  }

  #isOurs(authorization: string | undefined): boolean {
    const { account, token } = this.#settings;
    const expected = Buffer.from(`Basic ${Buffer.from(`${account}:${token}`).toString('base64')}`);
    const given = Buffer.from(authorization ?? '');
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}

export const isNumber = (text: string | undefined): text is string => /^\+[1-9][0-9]{6,14}$/.test(text ?? '');

const refused = (status: number, code: number, message: string): ProviderAnswer => ({
  status,
  json: { status, code, message },
});

const newSid = (): string => `SM${randomBytes(16).toString('hex')}`;
