import { startServer } from './child.ts';
import { type Bench, type Figure, latencyFigure } from './figure.ts';
import { HttpClient } from './http-client.ts';
import { latencies } from './measure.ts';
import { each, sell } from './sales.ts';
import { startSystem } from './system.ts';

const RATIO_MAX = 1.5;

/** A register validates what is not reserved here: the gateway fetches the reservation while the customer waits. */
export async function validate(bench: Bench): Promise<Figure[]> {
  const blocks = { blocks: 10, perBlock: bench.isQuick ? 20 : 100 };
  const system = await startSystem(bench);
  const codes = await system.issue((blocks.blocks + 1) * blocks.perBlock);
  const ours = new HttpClient(system.gatewayPort, system.boxToken);
  const brokerPort = await startServer(bench, new URL('./bare/cloud.ts', import.meta.url), [bench.directory]);
  const bareGateway = new URL('./bare/gateway.ts', import.meta.url);
  const bare = new HttpClient(
    await startServer(bench, bareGateway, [bench.directory, String(brokerPort)]),
    system.boxToken,
  );
  bench.say('validating what is not reserved');
  const code = each(codes);
  let baskets = 0;
  const { result, probe } = await bench.disk.around(() =>
    latencies(blocks, {
      ours: () => sell(ours, 'validations', code(), `basket-${++baskets}`),
      bare: () => sell(bare, 'validations', 'AAAA-AAAA-AAAA-AAAA', `basket-${++baskets}`),
    }),
  );
  ours.close();
  bare.close();
  const title =
    'validate at the gateway, not reserved, line up; bare: HTTP, broker round trip, one ledger commit, two durable writes';
  return [latencyFigure({ name: 'validate', title, probe }, result, RATIO_MAX)];
}
