import { setImmediate as turn } from 'node:timers/promises';

/**
 * Group commit: what gathers while the commit before is under way is one commit, and nobody is answered before its end
 * [C7]. Between two commits whoever else needs the process has a turn. A command that fails by a defect fails alone: the
 * rest of its group is run again without it.
 */
export class Gathering<C, R> {
  readonly #commit: (commands: readonly C[]) => Promise<readonly R[]>;
  readonly #most: number;
  #gathered: Waiting<C, R>[] = [];
  #running = false;

  /** @param most commands of one commit */
  constructor(commit: (commands: readonly C[]) => Promise<readonly R[]>, most: number) {
    this.#commit = commit;
    this.#most = most;
  }

  run(command: C): Promise<R> {
    return new Promise((done, failed) => {
      this.#gathered.push({ command, done, failed });
      if (this.#running) return;
      this.#running = true;
      void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    while (this.#gathered.length > 0) {
      await turn();
      const group = this.#gathered.slice(0, this.#most);
      this.#gathered = this.#gathered.slice(this.#most);
      await this.#serve(group);
    }
    this.#running = false;
  }

  async #serve(group: readonly Waiting<C, R>[]): Promise<void> {
    try {
      const results = await this.#commit(group.map(({ command }) => command));
      for (const [i, { done }] of group.entries()) done(results[i] as R);
    } catch (error) {
      if (group.length === 1) group[0]?.failed(error);
      else
        for (const waiting of group) {
          await turn();
          await this.#serve([waiting]);
        }
    }
  }
}

type Waiting<C, R> = {
  readonly command: C;
  readonly done: (result: R) => void;
  readonly failed: (error: unknown) => void;
};
