import type { Notice, Target } from '../ports.ts';
import { paragraphsOf, plain, withoutSecrets } from './message.ts';

/** Each wait on the server: for a name, a connection, a greeting, an answer. */
const WAIT_MS = 10_000;

/**
 * People who get alerts by e-mail, a target each, so that one bad address holds up nobody else. `url` is
 * smtp://user:password@host:587 or smtps://host. A password is sent over TLS only, but to this machine itself.
 */
export const mailTargets = (url: string, from: string, to: readonly string[]): Target[] =>
  to.map((address) => ({
    name: `e-mail to ${address}`,
    send: (notice) => send(new URL(url), from, address, notice),
  }));

async function send(url: URL, from: string, to: string, notice: Notice): Promise<void> {
  const secure = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  // Loaded by who sends: no other command waits for it.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host,
    port: Number(url.port || (secure ? 465 : 587)),
    secure,
    requireTLS: pass !== '' && !/^(localhost|127\.|::1$)/.test(host),
    ...(user === '' ? {} : { auth: { user, pass } }),
    connectionTimeout: WAIT_MS,
    greetingTimeout: WAIT_MS,
    dnsTimeout: WAIT_MS,
    socketTimeout: WAIT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from,
      to,
      subject: `[lkp] ${plain(notice.headline)}`,
      messageId: `<${notice.id}@${/@([^>\s]+)>?$/.exec(from)?.[1] ?? 'lkp'}>`,
      date: new Date(notice.raised_at),
      text: `${[...paragraphsOf(notice), 'What is open: lkp status'].join('\n\n')}\n`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } catch (error) {
    throw new Error(withoutSecrets(error, [pass]));
  } finally {
    transport.close();
  }
}
