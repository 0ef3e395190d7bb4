/** The least that a round trip can be: the bytes come back over TCP. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { serveBench } from '../child.ts';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
serveBench(typeof address === 'object' && address !== null ? address.port : 0);
