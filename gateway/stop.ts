/** Exit statuses, as sysexits.h names them. */
export const EXIT = { usage: 64, unavailable: 69, software: 70, io: 74, config: 78 } as const;

/** Why a command cannot go on: one line for who started it, and the exit status. */
export class Stop extends Error {
  readonly status: number;

  constructor(status: number, line: string, options?: ErrorOptions) {
    super(line, options);
    this.status = status;
  }
}
