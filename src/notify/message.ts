import type { Notice } from '../ports.ts';

/** Control characters, and the marks that turn text around: a file's name in a sentence may hold any. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]+/g;

/** Text from the ledger as a stranger's program may show it, on one line. */
export const plain = (text: string): string => text.replace(UNSEEN, ' ');

/** What happened and what to do, a paragraph each. */
export const paragraphsOf = ({ says, next_step, ended_at }: Notice): string[] => [
  ...(ended_at === null ? [] : ['This is over by now.']),
  plain(says),
  `What to do: ${plain(next_step)}`,
];

/** The message of an error without the secrets of the address that it may repeat. */
export function withoutSecrets(error: unknown, secrets: readonly string[]): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string; code?: string } };
  let text = [message ?? String(error), cause?.message || cause?.code].filter(Boolean).join(': ');
  for (const secret of secrets.flatMap(spellings)) text = text.replaceAll(secret, '***');
  return plain(text).slice(0, 500);
}

/** As it is, as an address has it, and as a server is told it. */
const spellings = (secret: string): string[] =>
  secret === ''
    ? []
    : [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')].sort(
        (one, other) => other.length - one.length,
      );
