import { CsvError, type Parser, parse } from 'csv-parse';
import { err, ok, type Result } from '../../protocol/result.ts';
import { bounded, TooLarge, withLineFeeds } from './csv-bytes.ts';

/** One line of a file under a header line: its cells by column. */
export type CsvRow<C extends string> = { readonly line: number; readonly cells: Readonly<Partial<Record<C, string>>> };

export type CsvShape<C extends string> = {
  /** What a header may say, in any order and with any of them missing. */
  readonly columns: readonly C[];
  readonly bytesMax: number;
  readonly rowsMax: number;
};

/** Where reading ended before the end, and why, for the person who made the file. */
export type CsvEnd = { readonly line: number; readonly why: string };

/** A record of more is no line of a list. */
const RECORD_CHARACTERS_MAX = 16 * 1024;

/**
 * Reads CSV (RFC 4180; also LF or CR at the line ends, and a byte order mark) as it arrives. The sender waits while `take`
 * works, so that a file of any length needs little memory.
 * @param take some lines at a time, in their order
 * @returns how many lines there were, or where it broke: what was taken before stays taken
 */
export async function readCsv<C extends string>(
  bytes: AsyncIterable<Uint8Array>,
  shape: CsvShape<C>,
  take: (rows: readonly CsvRow<C>[]) => Promise<void>,
): Promise<Result<number, CsvEnd>> {
  const rows = new Rows(shape);
  const parser = parse({
    bom: true,
    record_delimiter: '\n',
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARACTERS_MAX,
    on_record: (record: unknown, context) => rows.add(Array.isArray(record) ? record.map(String) : [], context.lines),
  });
  // Errors come by the callbacks of write and end.
  parser.on('error', () => undefined).resume();
  try {
    for await (const piece of withLineFeeds(bounded(bytes, shape.bytesMax))) {
      await settled((done) => parser.write(piece, done));
      await take(rows.taken());
    }
    await settled((done) => ended(parser, done));
    await take(rows.taken());
    return rows.seen > 0 ? ok(rows.count) : err({ line: 1, why: 'the file is empty' });
  } catch (error) {
    // What stood before the broken line is good.
    await take(rows.taken());
    return err(endOf(error, rows.last + 1, shape));
  }
}

function ended(parser: Parser, done: (error?: Error | null) => void): void {
  parser.once('error', done);
  parser.end(() => done());
}

const settled = (work: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => work((error) => (error == null ? resolve() : reject(error))));

class BadHeader extends Error {}

function endOf(error: unknown, line: number, { rowsMax, bytesMax }: CsvShape<string>): CsvEnd {
  if (error instanceof TooLarge) return { line, why: `a file may have ${rowsMax} lines and ${bytesMax} bytes` };
  if (error instanceof BadHeader) return { line: 1, why: error.message };
  if (!(error instanceof CsvError)) return { line, why: 'the file broke off here' };
  const why =
    error.code === 'CSV_MAX_RECORD_SIZE'
      ? 'it is too long, or a quote is opened and not closed'
      : 'a quote stands where none can be, or is opened and not closed';
  return { line, why: `${why}; nothing after it was read` };
}

class Rows<C extends string> {
  readonly #shape: CsvShape<C>;
  #header: readonly C[] | null = null;
  #rows: CsvRow<C>[] = [];
  count = 0;
  seen = 0;
  last = 0;

  constructor(shape: CsvShape<C>) {
    this.#shape = shape;
  }

  /** @throws BadHeader, TooLarge */
  add(record: readonly string[], line: number): null {
    this.seen += 1;
    if (this.#header === null) {
      this.#header = headerOf(record, this.#shape.columns);
      this.last = line;
      return null;
    }
    this.count += 1;
    if (this.count > this.#shape.rowsMax) throw new TooLarge();
    this.last = line;
    const cells: Partial<Record<C, string>> = {};
    for (const [i, column] of this.#header.entries()) {
      const cell = record[i]?.trim() ?? '';
      if (cell !== '') cells[column] = cell;
    }
    this.#rows.push({ line, cells });
    return null;
  }

  taken(): readonly CsvRow<C>[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }
}

function headerOf<C extends string>(record: readonly string[], columns: readonly C[]): C[] {
  return record.map((cell) => {
    const name = cell.trim().toLowerCase().replaceAll(' ', '_');
    const column = columns.find((known) => known === name);
    if (column === undefined)
      throw new BadHeader(`there is no column '${name}': the first line names some of ${columns.join(', ')}`);
    return column;
  });
}
