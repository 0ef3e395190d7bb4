import type { Head } from '../../protocol/journal.ts';
import type { WitnessReading } from './start-rules.ts';

/**
 * The witness: how far the journal had come, kept outside what a backup of the data brings back. Written after each
 * commit and before anything that anyone can see [G4].
 */
export interface Witness {
  read(): WitnessReading;
  /**
   * On its device when it returns.
   * @throws TillUnavailable where that failed; where there is no witness, which is never made here; and where the one
   * that is there says more: it never goes back
   */
  write(head: Head): void;
}
