import { BlockList, isIP } from 'node:net';

/** Behind proxies of the retailer's own every request comes from their address: where it began, they write down. */

/** Is this address one of the proxies whose word is believed? */
export type IsProxy = (address: string) => boolean;

/** A proxy's address, as `10.0.0.7`, or a network of them, as `10.0.0.0/8`; never all addresses that there are. */
export function isProxyEntry(text: string): boolean {
  const { address, prefix } = entryOf(text);
  const family = isIP(address);
  if (prefix === null) return family !== 0;
  return family !== 0 && /^[1-9][0-9]{0,2}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** @param entries each `isProxyEntry` */
export function proxiesOf(entries: readonly string[]): IsProxy {
  const list = new BlockList();
  for (const entry of entries) {
    const { address, prefix } = entryOf(entry);
    if (prefix === null) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
}

/**
 * Where a request began. Each proxy adds, on the right, whom it heard it from: read back from there, up to the first who is
 * no proxy of ours. What stands left of that one, anybody can have written.
 * @param peer the connection's other end
 * @param forwarded `X-Forwarded-For`
 */
export function remoteOf(peer: string, forwarded: string | undefined, isProxy: IsProxy): string {
  let remote = plain(peer);
  for (const hop of (forwarded ?? '').split(',').reverse()) {
    const before = hopOf(hop);
    if (!isProxy(remote) || before === null) return remote;
    remote = before;
  }
  return remote;
}

function entryOf(text: string): { readonly address: string; readonly prefix: string | null } {
  const [address = '', prefix = null, ...more] = text.split('/');
  return more.length > 0 ? { address: '', prefix: null } : { address, prefix };
}

/** Some write the port behind it. */
function hopOf(text: string): string | null {
  const hop = text.trim();
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(hop) ?? [];
  const address = plain(bracketed ?? hop.replace(/^([\d.]+):\d+$/, '$1'));
  return isIP(address) === 0 ? null : address;
}

/** An IPv4 address as a socket for both kinds tells it is the same address. */
const plain = (address: string): string => address.replace(/^::ffff:(?=[\d.]+$)/i, '');
const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
