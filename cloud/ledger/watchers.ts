/** Who wants to be told of a thing, by its key. Told after the commit, when the present work is over: it cannot disturb it. */
export class Watchers<K> {
  readonly #toldByKey = new Map<K, Set<() => void>>();

  /** @returns stops it */
  watch(key: K, told: () => void): () => void {
    const all = this.#toldByKey.get(key) ?? new Set();
    // Of its own: who watches twice is told twice, and stops each alone.
    const one = () => told();
    all.add(one);
    this.#toldByKey.set(key, all);
    return () => {
      all.delete(one);
      if (all.size === 0 && this.#toldByKey.get(key) === all) this.#toldByKey.delete(key);
    };
  }

  tell(key: K): void {
    const all = this.#toldByKey.get(key);
    if (all === undefined) return;
    queueMicrotask(() => {
      for (const told of [...all]) if (all.has(told)) told();
    });
  }
}
