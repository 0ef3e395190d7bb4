import { LedgerUnavailable, type TakeScans } from '../ledger/port.ts';
import { type BoxScanPorts, takeScans } from './box-scans.ts';
import { followOnce } from './follower.ts';
import { TraceWriter } from './writer.ts';

/** One turn takes some tenths of a second at most: what else is done each second must not wait for a long ledger. */
const BATCHES_PER_TICK_MAX = 10;

/** Events of one cloud node: what is noted in passing, and what follows from the ledger. */
export class Traces extends TraceWriter {
  readonly #ports: BoxScanPorts;
  #isBroken = false;

  constructor(ports: BoxScanPorts) {
    super(ports);
    this.#ports = ports;
  }

  readonly takeScans: TakeScans = (gateway, scans) => takeScans(this.#ports, gateway, scans);

  /** Follows the ledger. Call once a second. @throws LedgerUnavailable */
  async tick(): Promise<void> {
    try {
      for (let batches = 0; batches < BATCHES_PER_TICK_MAX && !this.#isBroken; batches += 1)
        if (!(await followOnce(this.#ports))) return;
    } catch (error) {
      if (error instanceof LedgerUnavailable) throw error;
      // Coupons are redeemed without reports. These say up to where they are complete, which stands still from here on.
      this.#isBroken = true;
      this.#ports.log.error(
        { err: error },
        'a defect in following the ledger: reports stand still until the next start',
      );
    }
  }
}
