// A server with the minimum work for a request. `fixed` reads the body and answers a fixed text.
// `json` parses the body and answers an object with parts of it, as JSON.
import { createServer } from 'node:http';

const body = JSON.stringify({ id: 'x'.repeat(36), status: 'reserved', note: 'y'.repeat(200) });
const head = { 'content-type': 'application/json' };
const [, , port, kind] = process.argv;

createServer((request, response) => {
  if (kind === 'fixed') {
    request.resume();
    request.on('end', () => {
      response.writeHead(201, head);
      response.end(body);
    });
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const parsed = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
    response.writeHead(201, head);
    response.end(JSON.stringify({ ...parsed, id: 'x'.repeat(36), status: 'reserved' }));
  });
}).listen(Number(port), '127.0.0.1');
process.on('disconnect', () => process.exit(0));
