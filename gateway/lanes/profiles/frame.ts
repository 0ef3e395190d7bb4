import { isPrintable, SCAN_BYTES_MAX, type Scan } from '../scanner.ts';

type Discarded = Extract<Scan, { kind: 'discard' }>;

/** The bytes of one frame. What is longer than any scan is only counted. */
export class Frame {
  #text = '';
  #bytes = 0;
  #isUnprintable = false;

  get kept(): number {
    return this.#text.length;
  }

  add(byte: number): void {
    this.#bytes += 1;
    this.#isUnprintable ||= !isPrintable(byte);
    if (this.#bytes <= SCAN_BYTES_MAX) this.#text += String.fromCharCode(byte);
  }

  /**
   * What the frame says, and an empty frame after it. The bad bytes of an unprintable one are never dropped alone: what
   * is left could be another code.
   */
  end(): { readonly kind: 'text'; readonly text: string } | Discarded {
    const [text, bytes, isUnprintable] = [this.#text, this.#bytes, this.#isUnprintable];
    this.#clear();
    if (bytes > SCAN_BYTES_MAX) return { kind: 'discard', why: 'too_long', bytes };
    if (isUnprintable) return { kind: 'discard', why: 'unprintable', bytes };
    return { kind: 'text', text };
  }

  discard(why: Discarded['why']): Discarded {
    const bytes = this.#bytes;
    this.#clear();
    return { kind: 'discard', why, bytes };
  }

  #clear(): void {
    this.#text = '';
    this.#bytes = 0;
    this.#isUnprintable = false;
  }
}
