import { realpathSync, statSync } from 'node:fs';
import { SerialPort } from 'serialport';
import { after } from './after.ts';
import type { OpenSerial, SerialEvents, SerialLink, SerialSettings } from './serial.ts';

/** What is plugged in again is heard within two seconds. It does not grow: an attempt costs next to nothing. */
const RETRY_MS = 1_000;
/** Many lanes of one box, off by as much as this, do not all try at the same moment. */
const RETRY_SPREAD = 0.2;
/** Some USB adapters are pulled without a word: their device goes, and no event comes. */
const LOOK_MS = 1_000;

/** Over node-serialport. DTR and RTS are set by opening; what had come in before is dropped by it. */
export const openSerial: OpenSerial = (settings, told) => new Device(settings, told);

/** One opening after the other, each with a port object of its own: an old one keeps what was written while it was closed. */
class Device implements SerialLink {
  readonly #settings: SerialSettings;
  readonly #told: SerialEvents;
  #port: SerialPort | null = null;
  #callOff = () => {};
  #isStopped = false;

  constructor(settings: SerialSettings, told: SerialEvents) {
    this.#settings = settings;
    this.#told = told;
    this.#open();
  }

  write(bytes: Uint8Array, deadlineMs: number): Promise<boolean> {
    const port = this.#port;
    if (port === null) return Promise.resolve(false);
    return new Promise((done) => {
      const callOff = after(deadlineMs, () => {
        // What is stuck must not come out later, as the answer to something else.
        this.#lose(port, 'it takes no bytes');
        done(false);
      });
      port.write(bytes, (error) => {
        callOff();
        done(error === null || error === undefined);
      });
    });
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    this.#callOff();
    const port = this.#port;
    this.#port = null;
    if (port !== null) await closed(port);
  }

  #open(): void {
    const { port: path, baud: baudRate, data: dataBits, parity, stop: stopBits } = this.#settings;
    const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false });
    const lost = () => this.#lose(port, NOT_THERE);
    port.on('data', (bytes: Uint8Array) => this.#port === port && this.#told.data(bytes));
    port.on('error', lost);
    port.on('close', lost);
    port.on('end', lost);
    port.open((error) => {
      if (this.#isStopped) return void closed(port);
      if (error !== null) return this.#tryLater(whyNot(error));
      this.#port = port;
      this.#told.present();
      this.#watch(port, deviceAt(path));
    });
  }

  /** The name may by now stand for another device, or for none. */
  #watch(port: SerialPort, device: string | null): void {
    this.#callOff = after(LOOK_MS, () => {
      if (device === null || deviceAt(this.#settings.port) !== device) this.#lose(port, NOT_THERE);
      else this.#watch(port, device);
    });
  }

  #lose(port: SerialPort, why: string): void {
    if (this.#port !== port) return;
    this.#port = null;
    void closed(port);
    this.#tryLater(why);
  }

  #tryLater(why: string): void {
    this.#callOff();
    this.#told.absent(why);
    const spread = 1 + RETRY_SPREAD * (2 * Math.random() - 1);
    this.#callOff = after(RETRY_MS * spread, () => this.#open());
  }
}

const NOT_THERE = 'it is not there';

/** The port tells its reasons in words alone. */
function whyNot({ message }: Error): string {
  if (/no such file|no such device/i.test(message)) return NOT_THERE;
  if (/cannot lock|busy/i.test(message)) return 'another program, or another lane, has it open';
  if (/permission denied/i.test(message)) return 'this user may not open it: put the user into the group dialout';
  return `it cannot be opened: ${message}`;
}

/** What the name stands for at the moment. Null: nothing. */
function deviceAt(path: string): string | null {
  try {
    const { ino, rdev } = statSync(path);
    return `${realpathSync(path)} ${ino} ${rdev}`;
  } catch {
    return null;
  }
}

/** Done also where it was not open: there is nothing more to do about it. */
function closed(port: SerialPort): Promise<void> {
  return new Promise((done) => {
    if (port.isOpen) port.close(() => done());
    else done();
  });
}
