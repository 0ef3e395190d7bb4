/** A mail server that takes everything and keeps nothing but the first mail, for who sends its bytes again: `mail-server.ts FILE`. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';
import { serveBench } from '../child.ts';

const [file = ''] = process.argv.slice(2);
let isFirst = true;

const server = new SMTPServer({
  ...{ authOptional: true, disabledCommands: ['AUTH', 'STARTTLS'], disableReverseLookup: true, logger: false },
  onData(stream, _session, done) {
    const chunks: Buffer[] | null = isFirst ? [] : null;
    isFirst = false;
    stream.on('data', (chunk: Buffer) => chunks?.push(chunk));
    stream.on('end', () => {
      if (chunks !== null) writeFileSync(file, Buffer.concat(chunks));
      done();
    });
  },
});
// Whoever goes in the middle of it is not this server's matter.
server.on('error', () => undefined);
server.listen(0, '127.0.0.1');
await once(server.server, 'listening');
const address = server.server.address();
serveBench(typeof address === 'object' && address !== null ? address.port : 0);
