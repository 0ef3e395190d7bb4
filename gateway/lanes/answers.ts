import { feedbackFor, type FeedbackKind } from './feedback.ts';
import { acknowledgementOf, type ProfileSettings } from './profiles/profile.ts';
import type { ScanOutcome } from './scan-event.ts';
import type { Heard, Scan } from './scanner.ts';
import type { Speaker } from './speaker.ts';

/** A cashier's second pull of the trigger, or a label that passed the window twice: told the same, not asked again. */
const REPEAT_MS = 700;
/** What a lane lets wait. What comes faster is no cashier and is not acknowledged. */
const UNDECIDED_MAX = 20;

export type AnswersPorts = {
  /** Has the scan in its lane's queue when it returns. */
  readonly check: (raw: string) => Promise<ScanOutcome>;
  readonly speaker: Speaker;
  /** Milliseconds that only rise. */
  readonly elapsed: () => number;
  readonly discarded: (scan: Extract<Scan, { kind: 'discard' }>) => void;
  readonly failed: (error: unknown) => void;
};

export type AnswersSettings = ProfileSettings & { readonly feedback: FeedbackKind };

/** Takes what one scanner says: acknowledges it, has it decided, and lets the scanner say the decision. */
export class Answers {
  readonly #settings: AnswersSettings;
  readonly #ports: AnswersPorts;
  /** Undecided scans by their text: when the last byte of the newest one came. */
  readonly #heardAtByText = new Map<string, number>();
  /** The newest scan, decided or not. */
  #taken: string | null = null;
  #answered: { readonly text: string; readonly outcome: ScanOutcome; readonly at: number } | null = null;

  constructor(settings: AnswersSettings, ports: AnswersPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Its last byte has come just now. */
  take(heard: Heard): void {
    switch (heard.kind) {
      case 'notice':
        this.#acknowledge(true);
        break;
      case 'discard':
        this.#ports.discarded(heard);
        // Noise between two frames is nobody's label.
        if (heard.why !== 'unframed') this.#acknowledge(false);
        break;
      case 'scan':
        this.#scanned(heard);
    }
  }

  #scanned({ text, aim, isSentAgain }: Extract<Scan, { kind: 'scan' }>): void {
    const raw = `${aim ?? ''}${text}`;
    const heardAt = this.#ports.elapsed();
    if (isSentAgain && raw === this.#taken) this.#acknowledge(true);
    else if (this.#isRepeat(raw, heardAt)) this.#took(raw);
    else if (this.#heardAtByText.size === UNDECIDED_MAX)
      this.take({ kind: 'discard', why: 'too_many', bytes: raw.length });
    else this.#ask(raw, heardAt);
  }

  #ask(raw: string, heardAt: number): void {
    this.#heardAtByText.set(raw, heardAt);
    const decided = this.#ports.check(raw);
    this.#took(raw);
    decided.then(
      (outcome) => this.#decided(raw, outcome),
      (error: unknown) => {
        this.#heardAtByText.delete(raw);
        this.#ports.failed(error);
      },
    );
  }

  /** The same code again, while the first is undecided or just answered: one question, and its answer. */
  #isRepeat(raw: string, heardAt: number): boolean {
    const last = this.#answered;
    if (this.#heardAtByText.has(raw)) this.#heardAtByText.set(raw, heardAt);
    else if (last?.text === raw && this.#taken === raw && heardAt - last.at <= REPEAT_MS)
      this.#say(last.outcome, heardAt);
    else return false;
    return true;
  }

  #decided(raw: string, outcome: ScanOutcome): void {
    const { elapsed } = this.#ports;
    const heardAt = this.#heardAtByText.get(raw) ?? elapsed();
    this.#heardAtByText.delete(raw);
    this.#answered = { text: raw, outcome, at: elapsed() };
    this.#say(outcome, heardAt);
  }

  #say(outcome: ScanOutcome, heardAt: number): void {
    const { feedback } = this.#settings;
    this.#ports.speaker.answer(heardAt, (ageMs) => feedbackFor(feedback, outcome, ageMs));
  }

  #took(raw: string): void {
    this.#taken = raw;
    this.#acknowledge(true);
  }

  #acknowledge(isTaken: boolean): void {
    const words = acknowledgementOf(this.#settings);
    if (words !== null) this.#ports.speaker.acknowledge(isTaken ? words.taken : words.notTaken);
  }
}
