/** The command line of both programs. The launcher beside it finds the Node that runs this. */
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };

const EXIT_USAGE = 64;

const help = `Usage: tearline COMMAND

  cloud …                      the cloud: serve, enrolment, token; see tearline cloud --help
  gateway …                    a store's box: enrol, serve, doctor, token; see tearline gateway --help
  audit verify [--data DIR]    recomputes the hash chains of the ledger and of the uploaded journals
  audit verify --gateway DIR   the same of a box's journal, from its data directory
  scanner-sim …                plays a scanner on a serial line; see tearline scanner-sim --help
  register-kit …               tries a gateway as a register, or a register as a gateway; see tearline register-kit --help
  demo-phone …                 a telephone and a mailbox on this machine, which npm start brings

  --help, --version
`;

process.exitCode = await run(process.argv.slice(2));

async function run([command, ...rest]: string[]): Promise<number> {
  switch (command) {
    case 'cloud':
      return (await import('../cloud/cli.ts')).cloudCommand(rest);
    case 'gateway':
      return (await import('../gateway/cli.ts')).gatewayCommand(rest);
    case 'audit':
      return audit(rest);
    case 'scanner-sim':
      return (await import('./scanner-sim.ts')).scannerSim(rest);
    case 'register-kit':
      return (await import('./register-kit/cli.ts')).registerKitCommand(rest);
    case 'demo-phone':
      return (await import('./demo-phone.ts')).demoPhone(rest);
    case '--version':
      process.stdout.write(`tearline ${packageJson.version}\n`);
      return 0;
    case '--help':
    case 'help':
      process.stdout.write(help);
      return 0;
    default:
      process.stderr.write(command === undefined ? help : `tearline: no command ${command}; see tearline --help\n`);
      return EXIT_USAGE;
  }
}

async function audit([verb, ...rest]: string[]): Promise<number> {
  if (verb === '--help') {
    process.stdout.write(help);
    return 0;
  }
  if (verb !== 'verify') {
    process.stderr.write('tearline: audit has one verb, verify; see tearline --help\n');
    return EXIT_USAGE;
  }
  const directories = readDirectories(rest);
  if (directories === null) {
    process.stderr.write('tearline: audit verify takes --data DIR or --gateway DIR; see tearline --help\n');
    return EXIT_USAGE;
  }
  return directories.gateway === undefined
    ? (await import('../cloud/cli.ts')).auditVerify(directories.data)
    : (await import('../gateway/cli.ts')).auditCommand(directories.gateway);
}

function readDirectories(args: string[]) {
  try {
    return parseArgs({ args, options: { data: { type: 'string' }, gateway: { type: 'string' } } }).values;
  } catch {
    return null;
  }
}
