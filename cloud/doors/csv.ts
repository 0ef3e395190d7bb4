/** A file for a spreadsheet: RFC 4180, one header line. */
export function csvFile(name: string, header: readonly string[], rows: Iterable<readonly CsvCell[]>): Response {
  const lines = [header, ...rows].map((cells) => `${cells.map(field).join(',')}\r\n`);
  return new Response(lines.join(''), {
    headers: {
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': `attachment; filename="${name}.csv"`,
      vary: 'accept',
    },
  });
}

export type CsvCell = string | number | null;

/** Does the caller ask for a file instead of JSON? */
export const wantsCsv = (accept: string | undefined): boolean => /(^|,)\s*text\/csv\s*(;|,|$)/i.test(accept ?? '');

/** What a stranger wrote must be a text to a spreadsheet, not a formula: this is how formulas begin, also in wide signs. */
const FORMULA = /^\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|^[\t\r]/;

function field(cell: CsvCell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
