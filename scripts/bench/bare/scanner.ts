/**
 * The least that answers a scanner: bytes up to CR, one durable write, and a beep. What begins with `-` is beeped at
 * without a write.
 *
 *   node scanner.ts DIRECTORY PORT …
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import { serveBench } from '../child.ts';
import { durableFile } from './durable-file.ts';

/** A write-ahead log begins again after a thousand pages. */
const LOG_BLOCKS = 1_000;
const [CR, BEL] = [0x0d, 0x07];

const [directory = '', ...paths] = process.argv.slice(2);
const commit = durableFile(join(directory, 'scans'), LOG_BLOCKS);

await Promise.all(
  paths.map(async (path) => {
    const port = new SerialPort({ path, baudRate: 9600 });
    let scan = '';
    port.on('data', (bytes: Buffer) => {
      scan += bytes.toString('latin1');
      if (bytes.at(-1) !== CR) return;
      if (!scan.startsWith('-')) commit();
      scan = '';
      port.write([BEL]);
    });
    await once(port, 'open');
  }),
);
serveBench(0);
