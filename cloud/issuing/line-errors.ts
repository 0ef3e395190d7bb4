import type { LineError } from '../ledger/port.ts';

/** A person reads the first few and mends the cause; a list of a million helps nobody. */
const LINE_ERRORS_TOLD_MAX = 100;

/** All that is wrong with a file, counted; the first hundred are told. */
export class LineErrors {
  readonly #told: LineError[] = [];
  count = 0;

  add(line: number, why: string): void {
    this.count += 1;
    if (this.#told.length < LINE_ERRORS_TOLD_MAX) this.#told.push({ line, why });
  }

  inOrder(): LineError[] {
    return this.#told.toSorted((one, other) => one.line - other.line);
  }
}
