import type { Socket } from 'node:net';

/**
 * Follows the fixed headers of the packets that come in, beside the broker, which would gather a packet of up to
 * 256 MB before it looks at it. The connection ends at the header that announces too much.
 */
export function limitPackets(socket: Socket, bytesMax: number, tooLarge: () => void): void {
  const next = packetLengths(bytesMax);
  const look = (chunk: Buffer) => {
    if (next(chunk)) return;
    socket.off('data', look);
    tooLarge();
    socket.destroy();
  };
  // The broker reads by `readable`, which takes precedence: `data` only tells what it has read.
  socket.on('data', look);
}

/** @returns a function that takes what came next, and is false once a packet is longer than `bytesMax` or its length unreadable */
function packetLengths(bytesMax: number): (chunk: Buffer) => boolean {
  let inBody = 0;
  let lengthBytes = -1;
  let length = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (inBody > 0) {
        const taken = Math.min(inBody, chunk.length - at);
        inBody -= taken;
        at += taken;
        continue;
      }
      const byte = chunk.readUInt8(at++);
      if (lengthBytes === -1) {
        lengthBytes = 0; // that was the packet's type
        continue;
      }
      length += (byte & 0x7f) * 128 ** lengthBytes++;
      const hasMore = byte >= 0x80;
      if (length > bytesMax || (hasMore && lengthBytes === LENGTH_BYTES_MAX)) return false;
      if (hasMore) continue;
      inBody = length;
      length = 0;
      lengthBytes = -1;
    }
    return true;
  };
}

const LENGTH_BYTES_MAX = 4;
