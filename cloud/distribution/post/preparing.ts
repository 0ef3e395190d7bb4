import { prepareAsked } from './asked-message.ts';
import { prepareDelivered } from './delivered-message.ts';
import { type Prepared, type PreparingPorts, suppressed } from './prepared.ts';
import type { DeliveryRow, MessageRow } from './store.ts';

/** What this message says, just before it is tried; else why it is not sent now. */
export async function prepare(
  ports: PreparingPorts,
  message: MessageRow,
  delivery: DeliveryRow | null,
): Promise<Prepared> {
  if (message.expiresAt !== null && message.expiresAt <= ports.now()) return suppressed('expired');
  switch (message.kind) {
    case 'proof':
    case 'test':
    case 'reply':
      return prepareAsked(ports, message);
    case 'coupon':
    case 'reminder':
      if (delivery === null) throw new Error(`the delivery of the message ${message.id} is missing`);
      return prepareDelivered(ports, message, delivery);
  }
}
