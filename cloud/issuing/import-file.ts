import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import type { CodeForm } from '../../protocol/code-form.ts';
import { IMPORT_BYTES_MAX, IMPORT_LINES_MAX } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { bounded, TooLarge, withLineFeeds } from './csv-bytes.ts';
import { FormsFound } from './form-rules.ts';
import { type ImportedCode, needsForm, readImportedCode } from './imported-code.ts';
import { LineErrors } from './line-errors.ts';

/** A file of codes made elsewhere, as it was read whole. */
export type ImportFile = {
  readonly codes: readonly ImportedCode[];
  readonly forms: readonly CodeForm[];
  readonly errors: LineErrors;
};
/** `broken_off`: its sender left in the middle of it. */
export type UnreadableFile = { readonly why: 'too_large' | 'broken_off' };

/** Beside the code a line may carry what the other system keeps: a record of more is no list of codes. */
const RECORD_CHARACTERS_MAX = 16 * 1024;

/**
 * Reads CSV (RFC 4180; also LF or CR at the line ends, and a byte order mark): the first column is the code, other columns
 * are left alone, a first line that says `code` is the header. Every line is judged; after a broken quote nothing is, for
 * no line after it can be trusted.
 */
export async function readImportFile(bytes: AsyncIterable<Uint8Array>): Promise<Result<ImportFile, UnreadableFile>> {
  const lines = new Lines();
  const parser = parse({
    bom: true,
    record_delimiter: '\n',
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARACTERS_MAX,
    // Taken where they are found: what the parser had put out is lost when a broken quote ends it.
    on_record: (record: unknown, context) => lines.take(record, context.lines),
  });
  try {
    await pipeline(Readable.from(withLineFeeds(bounded(bytes, IMPORT_BYTES_MAX))), parser);
    return ok(lines.file());
  } catch (error) {
    if (error instanceof TooLarge) return err({ why: 'too_large' });
    if (!(error instanceof CsvError)) return err({ why: 'broken_off' });
    lines.endAt(error);
    return ok(lines.file());
  }
}

/** The lines by now: good ones with their codes, each code once, and what is wrong with the others. */
class Lines {
  readonly #codes: ImportedCode[] = [];
  readonly #errors = new LineErrors();
  readonly #forms = new FormsFound();
  readonly #linesByCode = new Map<string, number>();
  #last = 0;
  #taken = 0;

  take(record: unknown, line: number): null {
    const first = this.#last === 0;
    this.#last = line;
    const text = Array.isArray(record) ? String(record[0]) : '';
    if (first && text.toLowerCase() === 'code') return null;
    this.#taken += 1;
    if (this.#taken > IMPORT_LINES_MAX) throw new TooLarge();
    const read = readImportedCode(text, line);
    if (read.ok) this.#add(read.value);
    else this.#errors.add(line, read.error);
    return null;
  }

  #add(one: ImportedCode): void {
    const before = this.#linesByCode.get(one.code);
    if (before !== undefined) {
      this.#errors.add(one.line, `it reads like line ${before}`);
      return;
    }
    this.#linesByCode.set(one.code, one.line);
    this.#codes.push(one);
    if (needsForm(one)) this.#forms.add(one.code);
  }

  endAt({ code }: CsvError): void {
    const why = code === 'CSV_MAX_RECORD_SIZE' ? 'it is too long, or a quote is opened and not closed' : BAD_QUOTE;
    this.#errors.add(this.#last + 1, `${why}; nothing after it was read`);
  }

  file(): ImportFile {
    return { codes: this.#codes, forms: this.#forms.forms(), errors: this.#errors };
  }
}

const BAD_QUOTE = 'a quote stands where none can be, or is opened and not closed';
