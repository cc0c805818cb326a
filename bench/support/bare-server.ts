// A server with the minimum work for a join: it reads the body and answers a fixed text. A load on
// it shows the limit of the load generator.
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
