import { type Dropped, type KeyFinder, openDown, type SigningKey, seal } from '../../protocol/envelope.ts';
import type { Head } from '../../protocol/journal.ts';
import type { Up, UpBody } from '../../protocol/messages.ts';
import { downTopic, type GatewayAddress, presenceTopic, upTopic } from '../../protocol/topics.ts';
import type { Log } from '../log.ts';
import { type Line, type Till, TillUnavailable } from '../till/port.ts';
import type { Connection, Dial } from './connection.ts';
import type { Drill, DrillStore } from './drill.ts';
import {
  isConnected,
  type LinkEffect,
  type LinkEvent,
  type LinkState,
  linkDueAt,
  linkStart,
  linkStep,
} from './link-rules.ts';
import { LINGER_MS, type Upload, uploadStep } from './upload-rules.ts';

export type LinkPorts = {
  readonly address: GatewayAddress;
  readonly key: SigningKey;
  /** The pinned keys of the cloud. */
  readonly cloudKey: KeyFinder;
  readonly dial: Dial;
  readonly drills: DrillStore;
  /** Milliseconds since 1970, as far as this box knows. */
  readonly now: () => number;
  /** Milliseconds of a clock that never jumps. */
  readonly elapsed: () => number;
  readonly random: () => number;
  readonly newId: () => string;
  readonly log: Log;
};

type DropReason = Dropped | 'other_gateway';

export type LinkStatus = {
  readonly phase: LinkState['phase'];
  readonly drill: Drill | null;
  /** Messages that were not what they should be, by reason, since the start. */
  readonly dropped: ReadonlyMap<DropReason, number>;
};

/** Carries what the till says to the cloud and back. It keeps no message: the till's journal is the only outbox. */
export class Link implements Line {
  readonly #ports: LinkPorts;
  #till: Till | null = null;
  #state: LinkState;
  #connection: Connection | null = null;
  #upload: Upload | null = null;
  #pumpsSoon = false;
  /** When entries that nobody waits for go alone; null: there are none, or an upload is under way. */
  #lingersUntil: number | null = null;
  #whyLost: string | null = null;
  #drill: Drill | null;
  #timer: NodeJS.Timeout | undefined;
  readonly #dropped = new Map<DropReason, number>();

  constructor(ports: LinkPorts) {
    this.#ports = ports;
    this.#drill = ports.drills.load(ports.now());
    this.#state = linkStart(ports.elapsed(), this.#drill === null ? null : this.#elapsedAt(this.#drill.until));
  }

  start(till: Till): void {
    this.#till = till;
    till.lineIs('down', this.#ports.now());
    if (this.#drill !== null)
      this.#ports.log.warn({ until: iso(this.#drill.until) }, 'the drill goes on: the line stays cut');
    this.#handle({ type: 'time' });
  }

  /** Says goodbye and ends. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    const connection = this.#connection;
    if (isConnected(this.#state)) this.#say({ online: false, drillUntil: null });
    this.#connection = null;
    this.#till = null;
    await connection?.close();
  }

  send(message: Up): boolean {
    if (this.#connection === null || this.#till === null || !isConnected(this.#state)) return false;
    this.#connection.publish(upTopic(this.#ports.address), this.#seal(this.#till, message));
    return true;
  }

  /** The upload goes after the answers that were committed with it, and takes all that grew in this turn. */
  journalGrew(isAwaited: boolean): void {
    if (this.#upload !== null || this.#pumpsSoon) return;
    if (isAwaited) this.#pumpSoon();
    else this.#linger();
  }

  settled(_acknowledged: Head): void {
    this.#attempt(() => this.#pump());
  }

  welcomed(): void {
    this.#handle({ type: 'welcomed' });
  }

  /** Cuts the line on purpose, or moves the end of a drill that runs. @throws TillUnavailable */
  cut(minutes: number, by: string): Drill {
    const now = this.#ports.now();
    const drill = { since: this.#drill?.since ?? now, until: now + minutes * 60_000, by };
    this.#save(drill);
    this.#ports.log.warn({ until: iso(drill.until), by }, 'drill: the line is cut on purpose');
    this.#handle({ type: 'cut', until: this.#elapsedAt(drill.until) });
    return drill;
  }

  /** Ends a drill before its time. */
  open(): void {
    this.#handle({ type: 'mended' });
  }

  status(): LinkStatus {
    return { phase: this.#state.phase, drill: this.#drill, dropped: this.#dropped };
  }

  #handle(event: LinkEvent): void {
    if (this.#till === null) return;
    const step = linkStep(this.#state, event, { now: this.#ports.elapsed(), random: this.#ports.random() });
    this.#state = step.state;
    const till = this.#till;
    this.#attempt(() => {
      for (const effect of step.effects) this.#perform(effect, till);
    });
    this.#setTimer();
  }

  #perform(effect: LinkEffect, till: Till): void {
    switch (effect) {
      case 'dial':
        this.#dial(till);
        break;
      case 'hang_up':
        this.#hangUp();
        break;
      case 'say_online':
        this.#say({ online: true, drillUntil: null });
        break;
      case 'say_drill':
        this.#say({ online: false, drillUntil: this.#drill?.until ?? null });
        break;
      case 'hello':
        this.send({ type: 'hello', body: till.hello() });
        break;
      case 'heartbeat':
        this.#flush();
        this.send({ type: 'heartbeat', body: till.heartbeat() });
        break;
      case 'sync':
        this.#flush();
        for (const body of till.holdings()) this.send({ type: 'sync', body });
        break;
      case 'line_up':
        this.#whyLost = null;
        this.#ports.log.info({}, 'the line is up');
        till.lineIs('up', this.#ports.now());
        this.#pump();
        break;
      case 'line_down':
        this.#ports.log.warn({}, 'the line is down');
        till.lineIs('down', this.#ports.now());
        break;
      case 'drill_over':
        this.#ports.log.info({}, 'the drill is over');
        this.#drill = null;
        this.#save(null);
        break;
    }
  }

  #dial(till: Till): void {
    const will = {
      topic: presenceTopic(this.#ports.address),
      message: this.#presence(till, { online: false, drillUntil: null }),
    };
    const connection = this.#ports.dial(
      { subscribe: downTopic(this.#ports.address), will },
      {
        // An old connection's last words are nobody's any more.
        opened: () => this.#connection === connection && this.#handle({ type: 'opened' }),
        closed: (why) => this.#connection === connection && this.#lost(why),
        received: async (message) => {
          if (this.#connection === connection) await this.#received(message);
        },
      },
    );
    this.#connection = connection;
  }

  #lost(why: string): void {
    this.#connection = null;
    this.#upload = null;
    // Once for each reason: an outage of hours dials a thousand times.
    if (why !== this.#whyLost) this.#ports.log.info({ why }, 'no connection to the broker');
    this.#whyLost = why;
    this.#handle({ type: 'closed' });
  }

  #hangUp(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#upload = null;
    void connection?.close();
  }

  async #received(message: Uint8Array): Promise<void> {
    const opened = openDown(message, this.#ports.cloudKey);
    if (!opened.ok) return this.#drop(opened.error, message);
    if (opened.value.header.gateway !== this.#ports.address.gateway) return this.#drop('other_gateway', message);
    this.#handle({ type: 'heard' });
    try {
      await this.#till?.receive(opened.value.header, opened.value.message);
      // What was said may be that this box is fenced: then its evidence goes.
      if (this.#state.phase === 'greeting' && this.#upload === null) this.#pump();
    } catch (error) {
      this.#unavailable(error);
    }
  }

  #drop(reason: DropReason, message: Uint8Array): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
    this.#ports.log.warn({ reason, bytes: message.length }, 'a message on the link was dropped');
  }

  /** One upload at a time. Before the welcome only evidence may go: its box will not be welcomed [G6]. */
  #pump(): void {
    this.#lingersUntil = null;
    if (this.#till === null || !isConnected(this.#state)) return;
    const part = this.#till.unsettled(null);
    const mayGo = part !== null && (part.evidence || this.#state.phase === 'up');
    const step = uploadStep(this.#upload, mayGo ? part : null, this.#ports.elapsed());
    this.#upload = step.upload;
    if (step.do === 'send' && part !== null) this.send({ type: 'journal', body: part });
    if (step.do === 'linger') this.#linger();
    this.#setTimer();
  }

  #pumpSoon(): void {
    this.#pumpsSoon = true;
    setImmediate(() => {
      this.#pumpsSoon = false;
      if (this.#upload === null) this.#attempt(() => this.#pump());
    });
  }

  #linger(): void {
    if (this.#till === null || !isConnected(this.#state)) return;
    this.#lingersUntil ??= this.#ports.elapsed() + LINGER_MS;
    this.#setTimer();
  }

  /** The cloud compares what a heartbeat or a list says with the journal that it has: what lingers goes before them. */
  #flush(): void {
    if (this.#lingersUntil !== null) this.#pump();
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#unavailable(error);
    }
  }

  /** A till that cannot write hears no more: the greeting after the next dial repairs what was missed. */
  #unavailable(error: unknown): void {
    if (!(error instanceof TillUnavailable)) throw error;
    this.#ports.log.error({ err: error }, 'the till cannot read or write: hanging up');
    this.#hangUp();
    this.#handle({ type: 'closed' });
  }

  #say(body: UpBody<'presence'>): void {
    if (this.#till !== null)
      this.#connection?.publish(presenceTopic(this.#ports.address), this.#presence(this.#till, body));
  }

  #presence(till: Till, body: UpBody<'presence'>): Uint8Array {
    return this.#seal(till, { type: 'presence', body });
  }

  #seal(till: Till, message: Up): Uint8Array {
    return seal('up', { id: this.#ports.newId(), ...till.sender() }, message, this.#ports.key);
  }

  #save(drill: Drill | null): void {
    try {
      this.#ports.drills.save(drill);
    } catch (error) {
      throw new TillUnavailable('the drill cannot be written down', { cause: error });
    }
    this.#drill = drill;
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const never = Number.POSITIVE_INFINITY;
    const dueAt = Math.min(linkDueAt(this.#state), this.#upload?.againAt ?? never, this.#lingersUntil ?? never);
    this.#timer = setTimeout(() => this.#due(), Math.max(0, dueAt - this.#ports.elapsed()));
  }

  #due(): void {
    this.#handle({ type: 'time' });
    const pumpAt = this.#upload?.againAt ?? this.#lingersUntil;
    if (pumpAt !== null && this.#ports.elapsed() >= pumpAt) this.#attempt(() => this.#pump());
  }

  #elapsedAt(wall: number): number {
    return this.#ports.elapsed() + (wall - this.#ports.now());
  }
}

const iso = (instant: number): string => new Date(instant).toISOString();
