import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Ledger } from '../ledger/port.ts';
import type { Plumbing } from './http.ts';

export type Metrics = {
  readonly observe: Plumbing['observe'];
  readonly contentType: string;
  /** Prometheus text. */
  text(): Promise<string>;
};

/** Answers fit between a memory look-up and a stack of a million codes. */
const BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 10, 60];

export function createMetrics(ledger: Ledger): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'tearline_http_request_duration_seconds',
    help: 'Answers by route and status.',
    labelNames: ['route', 'method', 'status'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });
  const gateways = new Gauge({
    name: 'tearline_gateways',
    help: 'Gateways by state, and whether they are connected.',
    labelNames: ['state', 'connected'],
    registers: [registry],
  });
  const backlog = new Gauge({
    name: 'tearline_gateway_backlog_entries',
    help: 'Journal entries that gateways say are not settled.',
    registers: [registry],
  });
  return {
    observe: ({ seconds, ...labels }) => requests.observe(labels, seconds),
    contentType: registry.contentType,
    async text() {
      const fleet = await ledger.gateways();
      gateways.reset();
      for (const { state, connected } of fleet) gateways.inc({ state, connected: String(connected) });
      backlog.set(fleet.reduce((sum, gateway) => sum + gateway.backlog, 0));
      return registry.metrics();
    },
  };
}
