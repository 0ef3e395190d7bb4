/** What the link needs of a broker: one connection at a time, made anew after every loss. */
export type ConnectionEvents = {
  /** Connected and subscribed. */
  opened(): void;
  /** Once, also where it never opened. `why` is for the log. */
  closed(why: string): void;
  /** The next message comes when this one is done. */
  received(message: Uint8Array): Promise<void>;
};

export interface Connection {
  /** At least once, in order; nothing is kept for later where the connection is gone. */
  publish(topic: string, message: Uint8Array): void;
  /** Ends in good order: what was published is given two seconds, and the last will is not sent. */
  close(): Promise<void>;
}

export type Dial = (
  call: { readonly subscribe: string; readonly will: { readonly topic: string; readonly message: Uint8Array } | null },
  events: ConnectionEvents,
) => Connection;
