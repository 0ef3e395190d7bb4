import { err, ok, type Result } from '../../protocol/result.ts';
import { type CsvRow, readCsv } from '../issuing/csv-rows.ts';
import { LineErrors } from '../issuing/line-errors.ts';
import type { FedAnswer, FedItem, LineError } from '../ledger/port.ts';
import { FED_COLUMNS, type FedCells, fedItemOfLine } from './fed-item.ts';

/** A file of what a till redeemed by itself, taken in as it arrives. */

/** One transaction of the ledger: short enough that a cart hardly waits for it. */
export const FEED_ITEMS_MAX = 200;
/** The day of a large chain; taken in well within the minutes that a request may last. */
export const FEED_LINES_MAX = 250_000;
export const FEED_BYTES_MAX = 32 * 1024 * 1024;

export type FeedSummary = {
  readonly lines: number;
  /** Took effect now, and were told before: nothing changed by them. */
  readonly taken: number;
  readonly again: number;
  /** Money that does not fit, and what cannot be read or is of no code; the first hundred of each by line. */
  readonly exceptions: { readonly count: number; readonly first: readonly LineError[] };
  readonly refused: { readonly count: number; readonly first: readonly LineError[] };
};

type Feed = (items: readonly FedItem[]) => Promise<readonly FedAnswer[]>;

/**
 * Good lines are taken and bad ones named: what was redeemed is redeemed, and every hour that a code stays open for want
 * of a better file is a risk. The mended file can be sent whole, for what was taken is only answered again.
 * @returns an error where there was no line at all to be judged
 */
export async function takeFeedFile(
  bytes: AsyncIterable<Uint8Array>,
  feed: Feed,
): Promise<Result<FeedSummary, LineError>> {
  const tally = new Tally();
  const shape = { columns: FED_COLUMNS, bytesMax: FEED_BYTES_MAX, rowsMax: FEED_LINES_MAX };
  const read = await readCsv(bytes, shape, async (rows) => {
    for (let at = 0; at < rows.length; at += FEED_ITEMS_MAX)
      await take(rows.slice(at, at + FEED_ITEMS_MAX), feed, tally);
  });
  if (!read.ok && tally.lines === 0) return err(read.error);
  if (!read.ok) tally.refused.add(read.error.line, read.error.why);
  return ok(tally.summary());
}

async function take(rows: readonly CsvRow<keyof FedCells>[], feed: Feed, tally: Tally): Promise<void> {
  const good: { readonly line: number; readonly item: FedItem }[] = [];
  for (const { line, cells } of rows) {
    tally.lines += 1;
    const item = fedItemOfLine(cells);
    if (item.ok) good.push({ line, item: item.value });
    else tally.refused.add(line, item.error);
  }
  if (good.length === 0) return;
  const answers = await feed(good.map(({ item }) => item));
  for (const [i, { line }] of good.entries()) tally.add(line, answers[i]);
}

class Tally {
  readonly exceptions = new LineErrors();
  readonly refused = new LineErrors();
  lines = 0;
  #taken = 0;
  #again = 0;

  add(line: number, answer: FedAnswer | undefined): void {
    if (answer === undefined) throw new Error('a line was not answered');
    if (answer.outcome === 'refused') this.refused.add(line, answer.reason);
    else if (answer.again) this.#again += 1;
    else if (answer.outcome === 'exception') this.exceptions.add(line, answer.reason ?? '');
    else this.#taken += 1;
  }

  summary(): FeedSummary {
    const told = (errors: LineErrors) => ({ count: errors.count, first: errors.inOrder() });
    return {
      ...{ lines: this.lines, taken: this.#taken, again: this.#again },
      exceptions: told(this.exceptions),
      refused: told(this.refused),
    };
  }
}
