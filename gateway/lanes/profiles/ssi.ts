import { type Heard, isPrintable, type Reader, type Scan, scanOf } from '../scanner.ts';

/**
 * The `ssi` profile (Zebra's Simple Serial Interface): packets of a length, an operation, who sends it, a status, data
 * and a checksum of two bytes. Bytes that begin no packet are passed over one by one, so that noise before a packet, and
 * a length that was damaged, cost no more than themselves.
 */
export function ssiReader(): Reader {
  const held = new Uint8Array(PACKET_BYTES_MAX);
  let waiting = 0;
  /** Below zero: so many more belong to what was told as damaged. */
  let passedOver = 0;

  function drop(bytes: number): void {
    held.copyWithin(0, bytes, waiting);
    waiting -= bytes;
  }

  function take(): Heard[] {
    const heard: Heard[] = [];
    while (waiting > 0) {
      const packet = held.subarray(0, waiting);
      const length = (packet[0] ?? 0) + CHECKSUM_BYTES;
      if (mayBegin(packet) && waiting < length) break;
      if (mayBegin(packet) && isWhole(packet.subarray(0, length))) {
        heard.push(...strays(), ...meaning(packet.subarray(0, length - CHECKSUM_BYTES)));
        drop(length);
        continue;
      }
      if (mayBegin(packet)) {
        heard.push(...strays(), { kind: 'discard', why: 'damaged', bytes: length });
        passedOver = -length;
      }
      drop(1);
      passedOver += 1;
    }
    return heard;
  }

  function strays(): Heard[] {
    const bytes = passedOver;
    passedOver = 0;
    return bytes > 0 ? [{ kind: 'discard', why: 'unframed', bytes }] : [];
  }

  return {
    read: (piece) => {
      const heard: Heard[] = [];
      for (const byte of piece) {
        held[waiting] = byte;
        waiting += 1;
        heard.push(...take());
      }
      return heard;
    },
    silence: () => {
      const heard: Heard[] = [];
      // The rest of the packet does not come: what looked like its beginning was none.
      while (waiting > 0) {
        drop(1);
        passedOver += 1;
        heard.push(...take());
      }
      return [...heard, ...strays()];
    },
    get kept() {
      return waiting + (passedOver > 0 ? 1 : 0);
    },
  };
}

export const OPERATION = {
  scan: 0xf3,
  acknowledged: 0xd0,
  notAcknowledged: 0xd1,
  beep: 0xe6,
  ledOn: 0xe7,
  ledOff: 0xe8,
} as const;
const SOURCE = { scanner: 0x00, host: 0x04 } as const;

/** A packet as the box sends it. */
export function ssiPacket(
  operation: number,
  data: readonly number[] = [],
  from: keyof typeof SOURCE = 'host',
  status = 0,
) {
  const packet = [HEADER_BYTES + data.length, operation, SOURCE[from], status, ...data];
  const sum = checksum(packet);
  return Uint8Array.of(...packet, sum >> 8, sum & 0xff);
}

const HEADER_BYTES = 4;
const CHECKSUM_BYTES = 2;
/** The length is one byte, and does not count the checksum. */
const PACKET_BYTES_MAX = 0xff + CHECKSUM_BYTES;
const STATUS = { sentAgain: 0x01, continues: 0x02 } as const;

/** As far as the bytes of its header are there. */
function mayBegin([length = 0, , source = SOURCE.scanner, status = 0]: Uint8Array): boolean {
  return length >= HEADER_BYTES && source === SOURCE.scanner && status <= (STATUS.sentAgain | STATUS.continues);
}

function isWhole(packet: Uint8Array): boolean {
  const end = packet.length - CHECKSUM_BYTES;
  return checksum(packet.subarray(0, end)) === (((packet[end] ?? 0) << 8) | (packet[end + 1] ?? 0));
}

/** The two's complement of the sum, in 16 bits. */
function checksum(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xffff;
}

function meaning(packet: Uint8Array): Heard[] {
  const [length = 0, operation, , status = 0] = packet;
  // An acknowledgement is not acknowledged.
  if (operation === OPERATION.acknowledged || operation === OPERATION.notAcknowledged) return [];
  if (operation !== OPERATION.scan) return [{ kind: 'notice' }];
  // A code that needs a second packet is longer than any that is known.
  if ((status & STATUS.continues) !== 0) return [{ kind: 'discard', why: 'too_long', bytes: length }];
  const scan = scanIn(packet.subarray(HEADER_BYTES + 1));
  return [scan.kind === 'scan' ? { ...scan, isSentAgain: (status & STATUS.sentAgain) !== 0 } : scan];
}

/** The scanner's own suffix, if it has one, is in the packet with the code. */
function scanIn(data: Uint8Array): Scan {
  const text = String.fromCharCode(...data).replace(/[\r\n\t]+$/, '');
  const isText = [...text].every((character) => isPrintable(character.charCodeAt(0)));
  return isText ? scanOf(text) : { kind: 'discard', why: 'unprintable', bytes: data.length };
}
