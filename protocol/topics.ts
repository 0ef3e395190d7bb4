/**
 * Topics of the link. A gateway may publish to its own `up`, `up/+` and `presence`, and read its own `down`; nothing else.
 * The shard is told at enrolment, so that cloud nodes can divide the fleet between them.
 */
export type GatewayAddress = { readonly shard: number; readonly gateway: string };

const base = ({ shard, gateway }: GatewayAddress): string => `tearline/v1/${shard}/${gateway}`;

export const upTopic = (at: GatewayAddress): string => `${base(at)}/up`;
export const upToNodeTopic = (at: GatewayAddress, node: string): string => `${base(at)}/up/${node}`;
export const downTopic = (at: GatewayAddress): string => `${base(at)}/down`;
export const presenceTopic = (at: GatewayAddress): string => `${base(at)}/presence`;

/** What one cloud node reads of a shard. */
export const shardSubscriptions = (shard: number): string[] => [
  `tearline/v1/${shard}/+/up`,
  `tearline/v1/${shard}/+/presence`,
];

/** @returns whose topic it is, or null where it is none that a gateway publishes to */
export function readUpTopic(topic: string): (GatewayAddress & { readonly leaf: 'up' | 'presence' }) | null {
  const parts = /^tearline\/v1\/([0-9]{1,2})\/(gw-[a-z0-9]{8,32})\/(up|presence)$/.exec(topic);
  if (parts === null) return null;
  const [, shard = '', gateway = '', leaf] = parts;
  return { shard: Number(shard), gateway, leaf: leaf === 'presence' ? 'presence' : 'up' };
}

export function mayPublish(at: GatewayAddress, topic: string): boolean {
  return (
    topic === upTopic(at) ||
    topic === presenceTopic(at) ||
    (/^[A-Za-z0-9-]{1,40}$/.test(topic.slice(upTopic(at).length + 1)) && topic.startsWith(`${upTopic(at)}/`))
  );
}

export const mayRead = (at: GatewayAddress, topic: string): boolean => topic === downTopic(at);
