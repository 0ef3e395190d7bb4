import type { Kept, LaneMemory, SupervisionEntry } from '../../gateway/lanes/lane-memory.ts';
import type { SaleNumbers } from '../../gateway/lanes/sale-numbers.ts';
import { TillUnavailable } from '../../gateway/till/port.ts';

/** A lane's memory without a disk behind it. */
export class FakeMemory implements LaneMemory {
  readonly noted: SupervisionEntry[] = [];
  isUnavailable = false;
  readonly suspended = this.#kept<ReturnType<LaneMemory['suspended']['load']>>([]);
  readonly trainings = this.#kept<ReturnType<LaneMemory['trainings']['load']>>({});

  note(entry: SupervisionEntry): void {
    this.#refuseWhereUnavailable();
    this.noted.push(entry);
  }

  /** As a file would have it: whole, and by value. */
  #kept<T>(empty: T): Kept<T> {
    let text = JSON.stringify(empty);
    return {
      load: () => JSON.parse(text),
      save: (value) => {
        this.#refuseWhereUnavailable();
        text = JSON.stringify(value);
      },
    };
  }

  #refuseWhereUnavailable(): void {
    if (this.isUnavailable) throw new TillUnavailable('the disk is full');
  }
}

/** Numbers of sales that rise over all lanes, from seven on. */
export function countedNumbers(): SaleNumbers {
  let n = 6;
  return {
    last: () => [],
    next: (_lane, day) => {
      n += 1;
      return { day, n };
    },
  };
}
