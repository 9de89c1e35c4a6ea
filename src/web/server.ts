import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { LkpError } from '../job.ts';

/** What one path answers. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

export const jsonPage = (status: number, body: object): Page => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
});

/** How long a client may take to ask. */
const ASK_WITHIN_MS = 5_000;
const MOST_CONNECTIONS = 100;

/**
 * Answers GET and HEAD of `pages` at `place`: a port of 127.0.0.1, or host:port (`[::]:9464`). Throws LkpError('machine') when it
 * cannot be had.
 */
export async function openWeb(place: string, pages: Pages): Promise<{ close(): Promise<void> }> {
  const [, host = '127.0.0.1', port = ''] = /^(?:(.+):)?(\d+)$/.exec(place) ?? [];
  const server = createServer(
    { requestTimeout: ASK_WITHIN_MS, headersTimeout: ASK_WITHIN_MS },
    (request, response) => {
      void respond(pages, request, response);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(refused(place, error)));
    try {
      server.listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'), resolve);
    } catch (error) {
      reject(refused(place, error as NodeJS.ErrnoException));
    }
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = await pageFor(pages, request).catch((error: Error) =>
    jsonPage(500, { error: `${error.message}: report this` }),
  );
  response.writeHead(page.status, {
    'content-type': page.type,
    'cache-control': 'no-store',
    ...(page.status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(page.body);
}

async function pageFor(pages: Pages, { method = '', url = '' }: IncomingMessage): Promise<Page> {
  const path = url.split('?')[0]!;
  if (!Object.hasOwn(pages, path))
    return jsonPage(404, { error: `nothing is here; ask ${Object.keys(pages).join(', ')}` });
  if (method !== 'GET' && method !== 'HEAD') return jsonPage(405, { error: 'only GET is answered here' });
  return pages[path]!();
}

function refused(place: string, error: NodeJS.ErrnoException): LkpError {
  const why = error.code === 'EADDRINUSE' ? 'another process has it' : error.message;
  return new LkpError(
    'machine',
    `LKP_HTTP=${place} cannot be answered: ${why}. Give each process a port of its own, or end what has this one; ` +
      'unset LKP_HTTP to answer nowhere.',
    { cause: error },
  );
}
