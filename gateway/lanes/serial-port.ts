import { existsSync } from 'node:fs';
import { SerialPort } from 'serialport';
import { after } from './after.ts';
import type { OpenSerial } from './lanes.ts';

const RETRY_MS_MIN = 250;
/** A scanner that is plugged in again is heard before the next customer's turn. */
const RETRY_MS_MAX = 5_000;
/** Some USB adapters are pulled without a word: their device goes, and no event comes. */
const GONE_CHECK_MS = 2_000;

/**
 * Over node-serialport. A new port object after every close: an old one keeps what was written to it while it was
 * closed. DTR and RTS are set by opening. Nothing is written.
 */
export const openSerial: OpenSerial = (settings, told) => {
  let stopped = false;
  let retryMs = RETRY_MS_MIN;
  let callOff = () => {};
  let port = connect();

  function connect(): SerialPort {
    const { port: path, baud: baudRate, data: dataBits, parity, stop: stopBits } = settings;
    const opened = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false });
    let isLost = false;
    const lost = (why: string) => {
      if (isLost || stopped) return;
      isLost = true;
      callOff();
      told.absent(why);
      close(opened).then(retry);
    };
    const check = () => {
      if (existsSync(path)) callOff = after(GONE_CHECK_MS, check);
      else lost('the device is gone');
    };
    opened.on('data', (bytes: Uint8Array) => told.data(bytes));
    opened.on('error', (error) => lost(error.message));
    opened.on('close', (error: Error | null) => lost(error?.message ?? 'it was closed'));
    opened.on('end', () => lost('it hung up'));
    opened.open((error) => {
      if (error !== null) return lost(error.message);
      if (stopped) return opened.close();
      retryMs = RETRY_MS_MIN;
      told.present();
      check();
    });
    return opened;
  }

  function retry(): void {
    if (stopped) return;
    callOff = after(retryMs, () => {
      port = connect();
    });
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }

  return {
    close() {
      stopped = true;
      callOff();
      return close(port);
    },
  };
};

/** Done also where it was not open: there is nothing more to do about it. */
function close(port: SerialPort): Promise<void> {
  return new Promise((done) => {
    if (port.isOpen) port.close(() => done());
    else done();
  });
}
