/** What has arrived, newest first, as long as the process runs. */

export type Text = {
  readonly at: number;
  readonly direction: 'in' | 'out';
  /** The telephone at the other end. */
  readonly phone: string;
  readonly text: string;
};
export type MailSeen = {
  readonly id: number;
  readonly at: number;
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  /** With its pictures in it. */
  readonly html: string;
};

/** Enough to scroll through; a delivery of thousands is counted elsewhere. */
const KEPT_MAX = 200;

export class Inbox {
  #texts: readonly Text[] = [];
  #mails: readonly MailSeen[] = [];
  #count = 0;

  get texts(): readonly Text[] {
    return this.#texts;
  }

  get mails(): readonly MailSeen[] {
    return this.#mails;
  }

  addText(text: Text): void {
    this.#texts = [text, ...this.#texts].slice(0, KEPT_MAX);
  }

  addMail(mail: Omit<MailSeen, 'id'>): void {
    this.#count += 1;
    this.#mails = [{ ...mail, id: this.#count }, ...this.#mails].slice(0, KEPT_MAX);
  }
}
