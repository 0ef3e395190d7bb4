/**
 * Each box's messages in the order in which they came, though some need something made ready first: a list of what a box
 * holds is read against the journal before it [C9]. What needs nothing, and follows nothing that does, begins at once.
 */
export class InOrder {
  readonly #preparing = new Map<string, Promise<void>>();

  /** @param prepare null: nothing is needed. Where it fails its work fails, and no other. */
  run(box: string, prepare: (() => Promise<void>) | null, work: () => Promise<void>): Promise<void> {
    const before = this.#preparing.get(box);
    if (prepare === null && before === undefined) return work();
    const prepared = (before ?? Promise.resolve()).then(prepare ?? undefined);
    const worked = prepared.then(work);
    const over = prepared.catch(() => undefined);
    this.#preparing.set(box, over);
    void over.then(() => {
      if (this.#preparing.get(box) === over) this.#preparing.delete(box);
    });
    return worked;
  }
}
