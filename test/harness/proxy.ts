import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';

/** A TCP proxy in this process: a network between a program and a server that can be cut and mended. */
export interface Wire {
  readonly port: number;
  /** Drops every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Forgets every connection without a word, as a firewall does: what is sent on it is lost. New ones work. */
  forget(): void;
  /** Accepts again, on the same port. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** `rewrite` changes what the server answers. */
export async function openProxy(
  target: NetConnectOpts,
  rewrite: (answer: Buffer) => Buffer = (answer) => answer,
): Promise<Wire> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const serve = (near: Socket) => {
    const far = connect(target);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (chunk) => near.write(rewrite(chunk)));
  };
  const mend = async () => {
    const opened = createServer(serve);
    server = opened;
    await new Promise<void>((resolve, reject) => {
      opened.once('error', reject);
      opened.listen(port, '127.0.0.1', resolve);
    });
    port = (opened.address() as { port: number }).port;
  };
  const cut = async () => {
    const closing = server;
    server = undefined;
    for (const socket of sockets) socket.destroy();
    if (closing) await new Promise((resolve) => closing.close(resolve));
  };
  const forget = () => {
    for (const socket of sockets) {
      socket.unpipe();
      socket.removeAllListeners('data');
      socket.on('data', () => undefined);
    }
  };
  await mend();
  return { port, cut, forget, mend, close: cut };
}

/** Where a postgres:// URL points: a host, or a socket's folder percent-encoded as the host. */
export function targetOf(url: string): NetConnectOpts {
  const { hostname, port, searchParams } = new URL(url);
  const host = decodeURIComponent(searchParams.get('host') ?? hostname);
  return host.startsWith('/')
    ? { path: `${host}/.s.PGSQL.${port || '5432'}` }
    : { host, port: Number(port || '5432') };
}

/** The same database through a proxy's port. */
export function through(url: string, { port }: Wire): string {
  const { username, password } = new URL(url);
  const database = /^[^:]+:\/\/[^/?]*\/([^?]*)/.exec(url)?.[1] ?? '';
  return `postgres://${username}${password && `:${password}`}@127.0.0.1:${port}/${database}`;
}
