import { existsSync } from 'node:fs';
import { SerialPort } from 'serialport';
import { after } from '../after.ts';
import type { OpenRegisterPort } from './registers.ts';

const RETRY_MS_MIN = 250;
/** A register that is plugged in again is heard before the next coupon. */
const RETRY_MS_MAX = 2_000;
/** Some USB adapters are pulled without a word: their device goes, and no event comes. */
const GONE_CHECK_MS = 1_000;

/** Over node-serialport, eight data bits. A port object is used for one connection: an old one keeps what was written. */
export const openRegisterPort: OpenRegisterPort = ({ port: path, baud: baudRate }, told) => {
  let stopped = false;
  let retryMs = RETRY_MS_MIN;
  let callOff = () => {};
  let port = connect();

  function connect(): SerialPort {
    const opened = new SerialPort({ path, baudRate, autoOpen: false });
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
    write(bytes) {
      // A closed port would keep it and send it to whoever comes next.
      if (port.isOpen) port.write(bytes);
    },
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
