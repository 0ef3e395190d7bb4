export type CsvLine = readonly string[];

/** A file, as it is read: the next lines are fetched when the reader has taken those before. RFC 4180, UTF-8. */
export function csvFile(name: string, chunks: AsyncIterable<readonly CsvLine[]>): Response {
  return new Response(ReadableStream.from(encoded(chunks)), {
    headers: {
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': `attachment; filename="${name.replace(/[^A-Za-z0-9_-]/g, '')}.csv"`,
    },
  });
}

async function* encoded(chunks: AsyncIterable<readonly CsvLine[]>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const lines of chunks)
    yield encoder.encode(lines.map((line) => `${line.map(csvField).join(',')}\n`).join(''));
}

const csvField = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Does the caller ask for text/csv, and not for JSON besides? @param accept the header */
export function wantsCsv(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((type) => type.split(';')[0]?.trim().toLowerCase());
  return types.includes('text/csv') && !types.includes('application/json');
}

/** How formulas begin in spreadsheets, also in wide signs. */
const FORMULA = /^\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/;

/** What a stranger wrote, as a cell that is a text to a spreadsheet and no formula. */
export const plainCell = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);
