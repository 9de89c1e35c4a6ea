import type { Notice, Target } from '../ports.ts';
import { paragraphsOf, plain, withoutSecrets } from './message.ts';

const ANSWER_WITHIN_MS = 10_000;

/**
 * A receiver that alerts are posted to as JSON: `text` is what a chat shows, beside it the fields of the alert. Any 2xx
 * is success; redirects are not followed. `address` may hold a user and a password, and its path is taken for a secret.
 */
export const webhookTarget = (address: string): Target => ({
  name: 'webhook',
  send: (notice) => post(new URL(address), notice),
});

async function post(url: URL, notice: Notice): Promise<void> {
  const { id, headline, kind, job, cycle, raised_at, says, next_step } = notice;
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const secrets = [url.href, url.pathname + url.search, password].filter((secret) => secret !== '/');
  // fetch takes no user in an address, and would name the password in its refusal.
  url.username = '';
  url.password = '';
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': id,
        ...(user || password
          ? { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
          : {}),
      },
      body: JSON.stringify({
        text: [`[lkp] ${plain(headline)}`, ...paragraphsOf(notice)].join('\n'),
        kind,
        job,
        cycle,
        raised_at,
        says: plain(says),
        next_step: plain(next_step),
      }),
    });
    await response.body?.cancel();
  } catch (error) {
    if ((error as Error).name === 'TimeoutError')
      throw new Error(`the receiver at ${url.host} did not answer within ${ANSWER_WITHIN_MS / 1000} s`);
    throw new Error(withoutSecrets(error, secrets));
  }
  if (!response.ok) {
    const why = response.status >= 300 && response.status < 400 ? ', and redirects are not followed' : '';
    throw new Error(`the receiver at ${url.host} answered ${response.status}${why}`);
  }
}
