import { err, ok, type Result } from '../result.ts';

/**
 * A payload's fields, parted by `|`. What may not stand in a field is written as a backslash and two hexadecimal digits:
 * the bar, the backslash itself, and every byte that is not printable ASCII, as the GS (`\1D`) of a GS1 code.
 */

export function joinFields(fields: readonly string[]): string {
  return fields.map(escaped).join('|');
}

export function splitFields(payload: string): Result<string[], 'escape'> {
  const fields = payload.split('|');
  return fields.every((field) => WELL_ESCAPED.test(field)) ? ok(fields.map(unescaped)) : err('escape');
}

const WELL_ESCAPED = /^(?:[^\\]|\\[0-9A-F]{2})*$/;

function escaped(field: string): string {
  return field.replace(/[^ -[\]-{}~]/g, (byte) => `\\${hexOf(byte)}`);
}

/** @throws RangeError beyond one byte: the caller gives Latin-1 alone */
function hexOf(byte: string): string {
  const value = byte.charCodeAt(0);
  if (value > 0xff) throw new RangeError('a field is one byte a character');
  return value.toString(16).toUpperCase().padStart(2, '0');
}

function unescaped(field: string): string {
  return field.replace(/\\([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
