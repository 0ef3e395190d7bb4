/** Wakes one who waits. A ring that nobody waits for yet is heard by the next who does. */
export class Bell {
  #isRung = false;
  #wake: () => void = () => undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake();
  }

  /** Resolves at the ring, after so many milliseconds, or when `stop` aborts. */
  async wait(ms: number, stop: AbortSignal): Promise<void> {
    if (!this.#isRung && !stop.aborted)
      await new Promise<void>((over) => {
        const wake = () => {
          clearTimeout(timer);
          stop.removeEventListener('abort', wake);
          this.#wake = () => undefined;
          over();
        };
        const timer = setTimeout(wake, ms);
        stop.addEventListener('abort', wake);
        this.#wake = wake;
      });
    this.#isRung = false;
  }
}
