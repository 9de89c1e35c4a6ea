import { createServer as createHttp, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';

/** A mail as its server took it. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** By lower-case name, unfolded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: Mail[];
  /** What clients said, line by line, but for the mails themselves. */
  readonly said: string[];
  /** When set, the answer to the end of each mail: `451 try later`. */
  refuse: string | undefined;
  close(): Promise<void>;
}

/** A mail server that speaks SMTP (RFC 5321) with AUTH PLAIN, without TLS, on a free port or the one given. */
export async function mailServer(port = 0): Promise<MailServer> {
  const mails: Mail[] = [];
  const said: string[] = [];
  const it = { refuse: undefined as string | undefined };
  const server = createTcp((socket) => {
    let [from, to, data, text]: [string, string[], string[] | undefined, string] = ['', [], undefined, ''];
    const answer = (line: string) => socket.write(`${line}\r\n`);
    const hear = (line: string): unknown => {
      if (data) {
        if (line !== '.') return data.push(line.replace(/^\./, ''));
        if (it.refuse === undefined) mails.push(mailOf(from, to, data));
        data = undefined;
        to = [];
        return answer(it.refuse ?? '250 taken');
      }
      said.push(line);
      const [, address = ''] = /<([^>]*)>/.exec(line) ?? [];
      if (/^EHLO/i.test(line)) return answer('250-test\r\n250 AUTH PLAIN');
      if (/^AUTH/i.test(line)) return answer('235 welcome');
      if (/^MAIL/i.test(line)) from = address;
      if (/^RCPT/i.test(line)) to.push(address);
      if (/^DATA/i.test(line)) {
        data = [];
        return answer('354 go on');
      }
      if (/^QUIT/i.test(line)) return socket.end('221 bye\r\n');
      return answer('250 ok');
    };
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const lines = (text + chunk.toString('utf8')).split('\r\n');
      text = lines.pop()!;
      for (const line of lines) hear(line);
    });
    answer('220 test');
  });
  const at = await listening(server, port);
  return Object.assign(it, { port: at, mails, said, close: () => closed(server) });
}

function mailOf(from: string, to: readonly string[], lines: readonly string[]): Mail {
  const end = lines.indexOf('');
  const head = lines
    .slice(0, end)
    .join('\n')
    .replace(/\n[ \t]+/g, ' ');
  const headers = Object.fromEntries(
    head
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const body = lines.slice(end + 1).join('\n');
  return {
    from,
    to,
    headers,
    body: /quoted/.test(headers['content-transfer-encoding'] ?? '') ? unquoted(body) : body,
  };
}

const unquoted = (text: string): string =>
  Buffer.from(
    text
      .replace(/=\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');

export interface Posted {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** What a receiver of webhooks answers; `nothing`: it breaks off. */
export type Answer = { readonly status: number; readonly headers?: Record<string, string> } | 'nothing';

export interface Webhook {
  readonly port: number;
  readonly posted: Posted[];
  answer: () => Answer;
  close(): Promise<void>;
}

/** A receiver of JSON on a free port, or the one given. */
export async function webhookReceiver(port = 0): Promise<Webhook> {
  const posted: Posted[] = [];
  const it = { answer: (): Answer => ({ status: 204 }) };
  const server = createHttp(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    posted.push({
      headers: request.headers,
      path: request.url ?? '',
      body: JSON.parse(Buffer.concat(chunks).toString('utf8')),
    });
    const answer = it.answer();
    if (answer === 'nothing') request.socket.destroy();
    else response.writeHead(answer.status, answer.headers).end();
  });
  const at = await listening(server, port);
  return Object.assign(it, {
    port: at,
    posted,
    close: () => {
      server.closeAllConnections();
      return closed(server);
    },
  });
}

async function listening(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
