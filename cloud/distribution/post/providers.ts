import type { Outcome } from './message-rules.ts';

/** Whoever carries messages. None of them throws: what happened to a message is an outcome. */

export interface Mailer {
  send(mail: Mail): Promise<Outcome>;
  close(): void;
}

export interface SmsSender {
  send(sms: Sms): Promise<Outcome>;
}

export type Mail = {
  /** Of our own: the same at each attempt, so that who receives it twice can tell. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** PNG, shown where the HTML says `cid:barcode`. */
  readonly barcode: Uint8Array | null;
  /** Where one click, or one request, ends it all; null: nobody has subscribed to this. */
  readonly unsubscribe: string | null;
};

export type Sms = { readonly id: string; readonly to: string; readonly text: string };
