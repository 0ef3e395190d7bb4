/**
 * A real mail server as a process of its own, with bad days: `node smtp-process.ts PORT FILE`. What it accepts is in the
 * file before it says so: a line of JSON each, so that a test can kill it at any moment and still know.
 */
import { appendFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';

const [port = '0', file = ''] = process.argv.slice(2);
/** By the recipient's name: what happens to it. */
const seen = new Map<string, number>();

const server = new SMTPServer({
  ...{ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'], disableReverseLookup: true, logger: false },
  onRcptTo({ address }, _session, done) {
    const times = (seen.get(address) ?? 0) + 1;
    seen.set(address, times);
    if (address.startsWith('nobody')) return done(answer(550, `5.1.1 <${address}> user unknown`));
    // Greylisting: the first time it is asked to come again.
    if (address.startsWith('later') && times === 1) return done(answer(451, '4.7.1 try again later'));
    if (address.startsWith('closing')) return done(answer(421, '4.3.2 closing'));
    done();
  },
  onData(stream, session, done) {
    const to = session.envelope.rcptTo[0]?.address ?? '';
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (to.startsWith('spam')) return done(answer(554, '5.7.1 not wanted'));
      const raw = Buffer.concat(chunks).toString('utf8');
      appendFileSync(file, `${JSON.stringify({ to, from: session.envelope.mailFrom, raw })}\n`, { flush: true });
      // It has the message, and nobody will ever hear so.
      if (to.startsWith('silent')) return;
      if (to.startsWith('dies')) process.kill(process.pid, 'SIGKILL');
      done();
    });
  },
});
server.on('error', () => undefined);
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.server.address();
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`);
});

function answer(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
