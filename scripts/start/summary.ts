import { join } from 'node:path';
import type { Demo } from './demo.ts';

/** What a person sees when all is up: where to click, and what to scan. */
export function summary(demo: Demo, data: string): string {
  const [first, second] = demo.gateways;
  const codes = demo.codes.map(
    (code, i) =>
      `  ${String(i + 1).padStart(2)}  ${code}${i < 2 ? `   waits in store ${demo.gateways[i]?.store}` : ''}`,
  );
  return `
Tearline is up. Ctrl-C stops it.

  Cloud     ${demo.cloud}        API: ${demo.cloud}/docs
  Store ${first?.store ?? ''}  ${first?.url}/lane/1    status: ${first?.url}/status
  Store ${second?.store ?? ''}  ${second?.url}/lane/1    status: ${second?.url}/status

  Phone       ${demo.phone}        what was texted and mailed; text SPRING for a coupon

  The lane page asks once for a register token:
    store ${first?.store}  ${first?.registerToken}
    store ${second?.store}  ${second?.registerToken}
  The shop's cart token:
    ${demo.cartToken}

Codes ($5 off, from $25):
${codes.join('\n')}

All of this, with the admin and box tokens, is in ${join(data, 'demo.json')}. Logs: ${join(data, 'logs')}
`;
}
