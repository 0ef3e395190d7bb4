import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Decision } from '../../protocol/redemption-api.ts';
import type { LinkStatus } from '../cloud-link/link.ts';
import type { Till, TillStatus } from '../till/port.ts';

/** What doors and lanes ask of the till. */
export type DoorTill = Pick<
  Till,
  'validate' | 'redeem' | 'reverse' | 'release' | 'basket' | 'issue' | 'history' | 'status'
>;

export interface Metrics {
  /** The same till, counted. */
  counted(till: DoorTill): DoorTill;
  /** Prometheus' text. */
  text(): Promise<string>;
}

/** Looking for stalls wakes the box each time: at the library's 10 ms it would be most of what an idle box does. */
const STALL_PROBE_MS = 200;

/** Figures of one gateway. Decisions are counted at the till, so that every door's are in them. */
export function makeMetrics(status: () => TillStatus, link: () => LinkStatus): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: STALL_PROBE_MS });
  gauges(registry, status, link);
  const decisions = new Counter({
    name: 'tearline_decisions_total',
    help: 'Decisions by call, outcome, mode and reason.',
    labelNames: ['call', 'decision', 'mode', 'reason'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'tearline_decision_seconds',
    help: 'How long a validation or a redemption took.',
    labelNames: ['call'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
  const count = (call: string, { decision, mode, reason }: Decision) =>
    decisions.inc({ call, decision, mode: mode ?? '', reason: reason ?? '' });
  const watch =
    (call: string, ask: Till['redeem']): Till['redeem'] =>
    async (sale) => {
      const end = seconds.startTimer({ call });
      const result = await ask(sale);
      end();
      if (result.ok) for (const decision of result.value) count(call, decision);
      return result;
    };
  return {
    counted: (till) => ({
      validate: watch('validate', (sale) => till.validate(sale)),
      redeem: watch('redeem', (sale) => till.redeem(sale)),
      reverse: (request) => till.reverse(request),
      release: (request) => till.release(request),
      basket: (basket) => till.basket(basket),
      issue: (request) => till.issue(request),
      history: (code) => till.history(code),
      status: () => till.status(),
    }),
    text: () => registry.metrics(),
  };
}

function gauges(registry: Registry, status: () => TillStatus, link: () => LinkStatus): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `tearline_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge('backlog_entries', 'Journal entries that the cloud has not acknowledged.', () => status().backlog);
  gauge('holding_coupons', 'Coupons reserved in this store.', () => status().holding);
  gauge('blank_coupons', 'Coupons that registers here can issue while the line is down.', () => status().blanks);
  gauge('in_use_coupons', 'Coupons in use by a basket.', () => status().inUse);
  gauge('line_up', '1 while the cloud has welcomed this box.', () => (status().line.state === 'up' ? 1 : 0));
  gauge('line_since_seconds', 'When the line came up or went, seconds since 1970.', () => status().line.since / 1000);
  gauge('drill', '1 while the line is cut on purpose.', () => (link().drill === null ? 0 : 1));
  gauge('validated', '1 while the journal agrees with the witness and this box decides.', () =>
    status().state === 'validated' ? 1 : 0,
  );
  gauge('time_proven', '1 while the cloud has proven the time.', () => (status().clock.proven ? 1 : 0));
  new Gauge({
    name: 'tearline_link_dropped_messages',
    help: 'Messages on the link that were not what they should be, since the start.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      for (const [reason, count] of link().dropped) this.set({ reason }, count);
    },
  });
}
