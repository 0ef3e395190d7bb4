import { crc32, deflateSync } from 'node:zlib';

/** Modules, row by row; true is black. All rows are as long. */
export type Bitmap = {
  readonly rows: readonly (readonly boolean[])[];
  /** How high each row is. */
  readonly rowDots: number;
  /** White around it, in modules. */
  readonly quiet: number;
};

/** A picture of one bit a dot (ISO/IEC 15948). @param scale dots a module */
export function blackAndWhitePng({ rows, rowDots, quiet }: Bitmap, scale: number): Uint8Array {
  const width = ((rows[0]?.length ?? 0) + 2 * quiet) * scale;
  const height = rows.length * rowDots + 2 * quiet * scale;
  const white = lineOf([], width, 0, scale);
  const margin = Array.from({ length: quiet * scale }, () => white);
  const lines = rows.flatMap((row) => Array.from({ length: rowDots }, () => lineOf(row, width, quiet, scale)));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // One bit a dot, grey; no interlace.
  head.writeUInt8(1, 8);
  const body = deflateSync(Buffer.concat([...margin, ...lines, ...margin]));
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))]);
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A byte that says 'not filtered', then eight dots a byte; 1 is white. */
function lineOf(row: readonly boolean[], width: number, quiet: number, scale: number): Buffer {
  const line = Buffer.alloc(1 + Math.ceil(width / 8), 0xff);
  line[0] = 0;
  for (const [module, isDark] of row.entries()) {
    if (!isDark) continue;
    for (let dot = (module + quiet) * scale; dot < (module + quiet + 1) * scale; dot += 1) {
      const at = 1 + (dot >> 3);
      line[at] = (line[at] ?? 0) & ~(0x80 >> (dot & 7));
    }
  }
  return line;
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(data.length, 0);
  typed.copy(framed, 4);
  framed.writeUInt32BE(crc32(typed), typed.length + 4);
  return framed;
}
