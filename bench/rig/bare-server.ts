// As little as a server can do with a join: reads the body, answers a fixed text. It tells what the
// load generator can do, not what a service can.
import { createServer } from 'node:http';

const body = JSON.stringify({ id: 'x'.repeat(36), status: 'reserved', note: 'y'.repeat(200) });

createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(body);
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
process.on('disconnect', () => process.exit(0));
