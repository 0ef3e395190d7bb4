import { once } from 'node:events';
import { connect } from 'node:net';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import { startServer } from './child.ts';
import type { Bench, Figure } from './figure.ts';
import { latencies, latencyOf, timed } from './measure.ts';
import { BENCH_BOX, connectAsGateway, connectWithDelay, heartbeat, type RoundTrip } from './mqtt-box.ts';

/** One side with Nagle's delay costs 40 ms: far below is a tenth of it, also at p99. */
const MS_MAX = 4;
const WITH_DELAY_TRIPS = 25;
const PASSWORD = 'bench';

/** A heartbeat and its answer, QoS 1, by the socket settings of broker, node and box; bare: bytes echoed over TCP. */
export async function mqtt(bench: Bench): Promise<Figure[]> {
  const blocks = { blocks: 10, perBlock: bench.isQuick ? 50 : 300 };
  const box = makeKeyPair();
  const { privatePem } = makeKeyPair();
  const cloud = new URL('./mqtt-cloud.ts', import.meta.url);
  const url = `mqtt://127.0.0.1:${await startServer(bench, cloud, [privatePem, box.publicKey, PASSWORD])}`;
  const echo = await echoClient(await startServer(bench, new URL('./bare/echo.ts', import.meta.url)));
  const message = heartbeat({ id: BENCH_BOX.keyId, key: readPrivateKey(box.privatePem) });
  bench.say('round trips through the broker');
  const ours = await connectAsGateway(url, PASSWORD);
  const times = await latencies(blocks, {
    ours: () => timed(() => ours.once(message)),
    bare: () => timed(() => echo.once(message)),
  });
  await Promise.all([ours.close(), echo.close()]);
  const delayed = await connectWithDelay(url, PASSWORD);
  const withDelay: number[] = [];
  for (let trip = 0; trip < WITH_DELAY_TRIPS; trip += 1) withDelay.push(await timed(() => delayed.once(message)));
  await delayed.close();

  const [our, bare] = [latencyOf(times.ours), latencyOf(times.bare)];
  return [
    {
      name: 'mqtt',
      title: 'a signed heartbeat and its answer, QoS 1, through our broker, node and adapters; bare: a TCP echo',
      unit: 'ms',
      n: times.ours.length,
      ours: our,
      bare,
      ratio: { p50: our.p50 / bare.p50, p99: our.p99 / bare.p99 },
      aim: `at most ${MS_MAX} ms, p50 and p99`,
      met: our.p50 <= MS_MAX && our.p99 <= MS_MAX,
      probe: null,
      notes: [`without TCP_NODELAY at the box: ${latencyOf(withDelay).p50.toFixed(1)} ms at the median`],
    },
  ];
}

async function echoClient(port: number): Promise<RoundTrip> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return {
    async once(message) {
      socket.write(message);
      for (let back = 0; back < message.length; ) {
        const [chunk] = await once(socket, 'data');
        back += chunk.length;
      }
    },
    async close() {
      socket.destroy();
    },
  };
}
