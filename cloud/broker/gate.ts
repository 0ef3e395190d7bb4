import { hash, timingSafeEqual } from 'node:crypto';
import type { AedesOptions, Client, ConnectPacket } from 'aedes';
import { type GatewayAddress, mayPublish, mayRead } from '../../protocol/topics.ts';
import type { Log } from '../log.ts';

/** The cloud's own node at its broker. No gateway id looks like it. */
export const CLOUD_USER = 'cloud';

export type GateParts = {
  /** Who may log in: password hash (SHA-256, hex) and shard of a gateway. */
  readonly loginOf: (gateway: string) => { readonly passwordHash: string; readonly shard: number } | null;
  readonly cloudPassword: string;
  readonly log: Log;
};

type Who = { readonly kind: 'cloud' } | ({ readonly kind: 'gateway' } & GatewayAddress);
type Gate = Required<Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe'>>;

/** Who may connect, and what for. Who tries more is disconnected, and an audit line says what was tried. */
export function createGate({ loginOf, cloudPassword, log }: GateParts): Gate {
  const packets = new WeakMap<Client, ConnectPacket>();
  const whoByClient = new WeakMap<Client, Who>();
  const refuse = (client: Client | null, audit: string, topic: string | null = null): Error => {
    log.warn({ audit, client: shown(client?.id), topic: shown(topic) }, 'the broker turned a client away');
    return new Error(audit);
  };

  return {
    preConnect(client, packet, done) {
      packets.set(client, packet);
      done(null, true);
    },
    authenticate(client, username, password, done) {
      const packet = packets.get(client);
      const who = packet === undefined ? null : logIn(username ?? '', password, loginOf, cloudPassword);
      const objection = packet === undefined || who === null ? 'bad_login' : objectionToConnect(who, packet);
      if (objection !== null) {
        refuse(client, objection, packet?.will?.topic);
        done(null, false);
        return;
      }
      if (who !== null) whoByClient.set(client, who);
      done(null, true);
    },
    authorizePublish(client, packet, done) {
      const who = client === null ? undefined : whoByClient.get(client);
      const objection = who === undefined ? 'not_logged_in' : objectionToMessage(who, packet);
      done(objection === null ? null : refuse(client, objection, packet.topic));
    },
    authorizeSubscribe(client, subscription, done) {
      const who = whoByClient.get(client);
      const may = who?.kind === 'cloud' || (who !== undefined && mayRead(who, subscription.topic));
      if (may) done(null, subscription);
      else done(refuse(client, 'foreign_subscription', subscription.topic));
    },
  };
}

function logIn(
  username: string,
  password: Buffer | undefined,
  loginOf: GateParts['loginOf'],
  cloudPassword: string,
): Who | null {
  if (password === undefined) return null;
  if (username === CLOUD_USER) return isPassword(password, hash('sha256', cloudPassword)) ? { kind: 'cloud' } : null;
  const login = loginOf(username);
  if (login === null || !isPassword(password, login.passwordHash)) return null;
  return { kind: 'gateway', gateway: username, shard: login.shard };
}

function isPassword(password: Buffer, passwordHash: string): boolean {
  const given = hash('sha256', password, 'buffer');
  const kept = Buffer.from(passwordHash, 'hex');
  return given.length === kept.length && timingSafeEqual(given, kept);
}

/** Clean sessions alone: the broker keeps nothing for who is away, it waits in the outboxes. */
function objectionToConnect(who: Who, packet: ConnectPacket): string | null {
  const user = who.kind === 'cloud' ? CLOUD_USER : who.gateway;
  if (packet.clientId !== user) return 'foreign_client_id';
  if (packet.clean !== true) return 'lasting_session';
  const { will } = packet;
  if (will === undefined) return null;
  return objectionToMessage(who, { topic: will.topic, qos: will.qos ?? 0, retain: will.retain ?? false });
}

function objectionToMessage(
  who: Who,
  { topic, qos, retain }: { readonly topic: string; readonly qos: number; readonly retain: boolean },
): string | null {
  if (retain) return 'retained';
  if (qos > 1) return 'quality_of_service';
  const may = who.kind === 'cloud' ? !topic.startsWith('$') : mayPublish(who, topic);
  return may ? null : 'foreign_topic';
}

/** A stranger's words in our log: not many. */
const shown = (text: string | null | undefined): string | null => text?.slice(0, 200) ?? null;
