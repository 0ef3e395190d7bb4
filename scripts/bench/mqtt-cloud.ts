/**
 * The cloud's end of the link with nothing behind it: our broker and our node, which answers each heartbeat from memory.
 * Its key, and the box that may connect, come on the command line.
 *
 *   node mqtt-cloud.ts SIGNING_PEM BOX_PUBLIC_KEY BOX_PASSWORD
 */
import { hash } from 'node:crypto';
import { startBroker } from '../../cloud/broker/aedes-broker.ts';
import { connectFleet } from '../../cloud/fleet/mqtt.ts';
import type { Ledger, OutgoingMessage } from '../../cloud/ledger/port.ts';
import { readPrivateKey } from '../../protocol/envelope.ts';
import { serveBench } from './child.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { openLedger } from './ledger-room.ts';
import { BENCH_BOX } from './mqtt-box.ts';

const [signingPem = '', publicKey = '', password = ''] = process.argv.slice(2);
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const { ledger } = await openLedger(openDatabase(':memory:'));
const store = await ledger.createStore({ id: '0001', name: 'Main Street', timeZone: 'UTC', address: null });
if (!store.ok) throw new Error(store.error);
await ledger.addGateway({
  id: BENCH_BOX.gateway,
  store: '0001',
  shard: BENCH_BOX.shard,
  publicKey,
  keyId: BENCH_BOX.keyId,
  passwordHash: hash('sha256', password),
});

const waiting = new Map<number, OutgoingMessage>();
let seq = 0;
/** Who may connect is the ledger's word; what is answered is not, so that no database is measured. */
const answering: Ledger = {
  ...ledger,
  async receive(_header, message) {
    if (message.type !== 'heartbeat') return;
    seq += 1;
    const body = { beat: message.body.beat, now: Date.now() };
    waiting.set(seq, { seq, epoch: 1, message: { type: 'beat', body } });
  },
  outbox: async (_gateway, after) => [...waiting.values()].filter((row) => row.seq > after),
  published(seqs) {
    for (const taken of seqs) waiting.delete(taken);
  },
};

const cloudPassword = 'bench';
const broker = await startBroker({
  host: '127.0.0.1',
  port: 0,
  tls: null,
  loginOf: (gateway) => ledger.brokerLogin(gateway),
  cloudPassword,
  connected: () => undefined,
  gone: () => undefined,
  log,
});
const signingKey = { id: BENCH_BOX.cloudKeyId, key: readPrivateKey(signingPem) };
const fleet = await connectFleet({
  url: broker.ownUrl,
  username: 'cloud',
  password: cloudPassword,
  ca: null,
  ledger: answering,
  signingKey,
  log,
});
while (!fleet.connected()) await new Promise((resolve) => setTimeout(resolve, 10));
serveBench(broker.port);
