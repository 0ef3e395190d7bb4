import { type Bench, type Figure, latencyFigure } from './figure.ts';
import { startServer } from './child.ts';
import { HttpClient } from './http-client.ts';
import { latencies } from './measure.ts';
import { each, sell } from './sales.ts';
import { startSystem } from './system.ts';

const RATIO_MAX = 1.5;

/** A register redeems what is reserved here while the line is cut. */
export async function redeem(bench: Bench): Promise<Figure[]> {
  const blocks = { blocks: 10, perBlock: bench.isQuick ? 30 : 200 };
  const system = await startSystem(bench);
  bench.say('reserving codes in the store');
  const codes = await system.issue((blocks.blocks + 1) * blocks.perBlock);
  await system.stock(codes);
  const ours = new HttpClient(system.gatewayPort, system.boxToken);
  const barePort = await startServer(bench, new URL('./bare/gateway.ts', import.meta.url), [bench.directory]);
  const bare = new HttpClient(barePort, system.boxToken);
  await ours.post('/v1/drill', { line: 'cut', minutes: 60 });
  bench.say('redeeming with the line cut');
  const code = each(codes);
  let baskets = 0;
  const { result, probe } = await bench.disk.around(() =>
    latencies(blocks, {
      ours: () => sell(ours, 'redemptions', code(), `basket-${++baskets}`),
      bare: () => sell(bare, 'redemptions', 'AAAA-AAAA-AAAA-AAAA', `basket-${++baskets}`),
    }),
  );
  ours.close();
  bare.close();
  const title = 'redeem at the gateway, reserved, line cut; bare: an HTTP round trip and two durable writes';
  return [latencyFigure({ name: 'redeem', title, probe }, result, RATIO_MAX)];
}
