import { createInterface } from 'node:readline';
import { z } from 'zod';
import { after } from '../../gateway/lanes/after.ts';
import { type Check, type Finding, runChecks } from './check.ts';
import { openDevice } from './device.ts';
import { GATEWAY_LINE_CHECKS } from './gateway-line-checks.ts';
import { couponChecks, GATEWAY_SALE_CHECKS } from './gateway-sale-checks.ts';
import { HTTP_CHECKS, httpCouponChecks } from './http-checks.ts';
import { HttpRegister } from './http-register.ts';
import { type Options, readOptions } from './options.ts';
import { PlayedGateway, type Request, type Sell } from './played-gateway.ts';
import { PlayedRegister } from './played-register.ts';
import { REGISTER_LINE_CHECKS } from './register-line-checks.ts';
import { REGISTER_SALE_CHECKS } from './register-sale-checks.ts';
import { RegisterLine } from './register-line.ts';
import { type Outcome, Register } from './register.ts';
import { Wire } from './wire.ts';

const help = `Usage: tearline register-kit COMMAND

  gateway --port PATH          plays a register on a serial line and tries the gateway at its other end
  gateway --url URL --token T  the same over HTTP; both together try both
          --code CODE          also what only a coupon can show; it is redeemed, and that is undone again
  register --port PATH         plays a gateway and tries the register at the other end: asks for one sale after the
                               other and reads from the standard input how each of them ended
  sell --port PATH --code CODE [--total AMOUNT]
                               rings up one sale as a register should; AMOUNT in minor units

  --baud RATE                  9600 where it is not given
  --lrc-base 00|7F --lrc-cover payload|payload+etx|stx+payload+etx
                               the check byte; 00 and payload+etx where they are not given
  --slack MS                   what an ACK may take on top of its 50 ms: the adapter, a busy machine; 450
  --check NAME                 this check alone; may be given several times
  --json                       one line of JSON for each finding

Exit status: 0 all passed, 1 something failed, 64 usage, 69 the port cannot be opened.
Each finding names the sentence of gateway/INTEGRATION.md that it comes from.
`;

const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;

/** @returns the exit status */
export async function registerKitCommand([command, ...args]: string[]): Promise<number> {
  if (command === '--help' || command === 'help' || args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const options = command === undefined ? null : readOptions(args);
  if (options === null) return usage('a command and its options are needed');
  switch (command) {
    case 'gateway':
      return tryGateway(options);
    case 'register':
      return tryRegister(options);
    case 'sell':
      return sell(options);
    default:
      return usage(`there is no command ${command}`);
  }
}

async function tryGateway({ port, url, token, code, ...options }: Options): Promise<number> {
  if (port === undefined && url === undefined) return usage('gateway needs --port PATH or --url URL');
  if (url !== undefined && token === undefined) return usage('--url needs --token TOKEN');
  const told = teller(options.json);
  // A basket id must not come again for ninety days, nor a seq in its basket.
  const run = Date.now().toString(36);
  let [baskets, seq] = [0, 0];
  const newBasket = () => {
    baskets += 1;
    return `kit-${run}-${baskets}`;
  };
  const nextSeq = () => {
    seq += 1;
    return String(seq);
  };
  const findings: Finding[] = [];
  if (port !== undefined) {
    const device = await openDevice(port, options, (...line) => new Wire(...line, options.slack));
    if (device === null) return unavailable(port);
    const wire = device.end;
    const all = [...GATEWAY_LINE_CHECKS, ...GATEWAY_SALE_CHECKS, ...(code === undefined ? [] : couponChecks(code))];
    const checks = chosen(all, options.check);
    findings.push(...(await runChecks(checks, () => new PlayedRegister(wire, newBasket(), nextSeq), told)));
    await device.close();
  }
  if (url !== undefined && token !== undefined) {
    const checks = chosen([...HTTP_CHECKS, ...(code === undefined ? [] : httpCouponChecks(code))], options.check);
    const make = () => new HttpRegister({ url, token, basket: newBasket(), fetch });
    findings.push(...(await runChecks(checks, make, told)));
  }
  return end(findings, options.json);
}

async function tryRegister({ port, ...options }: Options): Promise<number> {
  if (port === undefined) return usage('register needs --port PATH');
  const device = await openDevice(port, options, (...line) => new Wire(...line, options.slack));
  if (device === null) return unavailable(port);
  const input = createInterface({ input: process.stdin });
  const lines = input[Symbol.asyncIterator]();
  const sell: Sell = async (code, told) => {
    say(options.json, { sale: { code, total: TOTAL, told } }, `\nSale: coupon ${code}, total 42.00. ${told}`);
    return askOutcome(lines);
  };
  const sent: Request[] = [];
  const findings = await runChecks(
    chosen([...REGISTER_LINE_CHECKS, ...REGISTER_SALE_CHECKS], options.check),
    () => new PlayedGateway(device.end, sell, sent),
    teller(options.json),
  );
  input.close();
  await device.close();
  return end(findings, options.json);
}

async function sell({ port, code, total, ...options }: Options): Promise<number> {
  if (port === undefined || code === undefined) return usage('sell needs --port PATH and --code CODE');
  const show = (text: string) => void process.stderr.write(`${text.trim()}\n`);
  const device = await openDevice(port, options, (write, lrc, clock) => new RegisterLine(write, lrc, clock, show));
  if (device === null) return unavailable(port);
  const newTxn = () => `kit-${Date.now().toString(36)}`;
  const pause = (ms: number) => new Promise<void>((done) => void after(ms, done));
  const register = new Register({ line: device.end, lane: '1', newTxn, pause });
  const { outcome, settled } = await register.sell(code, total);
  process.stdout.write(`${outcome}\n`);
  await settled;
  await device.close();
  return outcome === 'redeemed' ? 0 : 1;
}

function chosen<T>(checks: readonly Check<T>[], names: readonly string[]): readonly Check<T>[] {
  return names.length === 0 ? checks : checks.filter(({ name }) => names.includes(name));
}

const TOTAL = 4200;
const OUTCOMES: readonly Outcome[] = ['redeemed', 'declined', 'undetermined', 'without'];
const outcomeSchema = z.enum(OUTCOMES);

/** A whole word or its first letter; asked again until it is one. The end of the input ends every sale without. */
async function askOutcome(lines: AsyncIterator<string>): Promise<Outcome> {
  for (;;) {
    process.stderr.write('How did it end? r(edeemed), d(eclined), u(ndetermined: cannot verify), w(ithout discount): ');
    const { value, done } = await lines.next();
    if (done === true) return 'without';
    const word = value.trim().toLowerCase();
    const outcome = outcomeSchema.safeParse(OUTCOMES.find((one) => one === word || one.charAt(0) === word));
    if (outcome.success) return outcome.data;
  }
}

function teller(json: boolean | undefined): (finding: Finding) => void {
  return (finding) => say(json, finding, inLines(finding));
}

function inLines(finding: Finding): string {
  if (finding.passed) return `pass  ${finding.name}`;
  const { name, expected, came, guide } = finding;
  return `FAIL  ${name}\n      expected: ${expected}\n      came:     ${came}\n      guide:    ${guide}`;
}

function end(findings: readonly Finding[], json: boolean | undefined): number {
  const failed = findings.filter(({ passed }) => !passed).length;
  const passed = findings.length - failed;
  say(json, { passed, failed }, `${passed} passed, ${failed} failed`);
  // Where no check has this name nothing was shown.
  return failed === 0 && passed > 0 ? 0 : 1;
}

function say(json: boolean | undefined, value: object, words: string): void {
  process.stdout.write(`${json === true ? JSON.stringify(value) : words}\n`);
}

function usage(what: string): number {
  process.stderr.write(`tearline: ${what}; see tearline register-kit --help\n`);
  return EXIT_USAGE;
}

function unavailable(port: string): number {
  process.stderr.write(`tearline: ${port} cannot be opened: check its name, its owner and who else has it open\n`);
  return EXIT_UNAVAILABLE;
}
