// The minimum work of a server for a join: reads the body, answers a fixed text. It shows the limit
// of the load generator, not that of a service.
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
