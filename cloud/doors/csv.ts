/** RFC 4180. */
export const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const csvLine = (fields: readonly (string | number)[]): string =>
  `${fields.map((field) => csvField(String(field))).join(',')}\n`;

/** Does the caller ask for text/csv, and not for JSON besides? @param accept the header */
export function wantsCsv(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((type) => type.split(';')[0]?.trim().toLowerCase());
  return types.includes('text/csv') && !types.includes('application/json');
}
