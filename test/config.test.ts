import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { meant, nearest, readSettings, SETTINGS } from '../src/config.ts';
import { LkpError } from '../src/job.ts';

const refusal = (environment: Record<string, string>): LkpError => {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof LkpError) return error;
    throw error;
  }
  throw new Error('the settings were taken');
};

test('with nothing set everything lives under .lkp in the working folder', () => {
  expect(readSettings({})).toEqual({
    LKP_HOME: '.lkp',
    LKP_INBOX_STABLE_SECONDS: 10,
    LKP_INBOX_WAIT_SECONDS: 300,
    LKP_TIME_ZONE: 'UTC',
    LKP_REPORTING_CURRENCY: 'USD',
    LKP_RETENTION_MONTHS: 36,
    LKP_RATE_LOOKBACK_DAYS: 7,
    LKP_COMPLETENESS_PERCENT: 50,
    LKP_ACTOR: 'operations',
    LKP_LOG_LEVEL: 'warn',
    home: resolve('.lkp'),
    inbox: resolve('.lkp/inbox'),
    outbox: resolve('.lkp/outbox'),
    profiles: resolve('.lkp/profiles'),
  });
});

test('a setting that is empty is not set; other programs keep their variables', () => {
  expect(readSettings({ LKP_HOME: '', DATABASE_URL: '', PATH: '/bin', PGHOST: 'x' })).toEqual(
    readSettings({}),
  );
});

test('folders are made absolute, and follow LKP_HOME where they are not set', () => {
  const settings = readSettings({ LKP_HOME: '/srv/lkp', LKP_INBOX: '/mnt/inbox' });
  expect(settings).toMatchObject({
    home: '/srv/lkp',
    inbox: '/mnt/inbox',
    outbox: '/srv/lkp/outbox',
    profiles: '/srv/lkp/profiles',
  });
});

test('a mistyped setting is refused, with the one that was meant', () => {
  expect(refusal({ LKP_HOM: '/srv' })).toMatchObject({
    code: 'request',
    message: expect.stringMatching(/LKP_HOM is not a setting.*LKP_HOME\?/),
  });
  expect(refusal({ LKP_TIMEZONE: 'UTC' }).message).toContain('Did you mean LKP_TIME_ZONE?');
});

test('what is far from every known word is not taken for one', () => {
  expect(meant('wieght', ['weight', 'title'], 'did you mean')).toBe('did you mean weight?');
  expect(meant('threshold', ['weights', 'title'], 'did you mean')).toBe('');
  expect(refusal({ LKP_X: '1' }).message).toBe(
    'LKP_X is not a setting of lkp. Remove it or correct its name.',
  );
});

test.each([
  '99999',
  '0',
  'localhost:0',
  '127.0.0.1:123456',
  'foo',
  'localhost:',
])('LKP_HTTP=%s is refused before anything starts', (place) =>
  expect(refusal({ LKP_HTTP: place }).message).toMatch(`LKP_HTTP=${place} must `));

test.each([
  ['LKP_ALERT_EMAIL', ' , ', 'must be addresses'],
  ['LKP_ALERT_WEBHOOK', 'https://a%zz:b@chat.example/x', 'the password percent-encoded'],
  ['LKP_SMTP_URL', 'smtp://a:100%@mail.example', 'the password percent-encoded'],
  ['LKP_RETENTION_MONTHS', '-1', '=-1 must be at least 13'],
  ['LKP_RATE_LOOKBACK_DAYS', '61', '=61 must be at most 60'],
  ['LKP_RATE_LOOKBACK_DAYS', '1.5', '=1.5 must be a whole number'],
  ['LKP_RATE_LOOKBACK_DAYS', 'week', '=week must be a number'],
  ['LKP_LOG_LEVEL', 'loud', '=loud must be one of trace, debug'],
])('%s=%s is refused', (name, value, says) => {
  expect(refusal({ [name]: value }).message).toContain(says);
});

test('every fault is named at once, with the value that was seen', () => {
  const { code, message } = refusal({ LKP_TIME_ZONE: 'Mars/Olympus', LKP_REPORTING_CURRENCY: 'dollars' });
  expect(code).toBe('request');
  expect(message).toMatch(/LKP_TIME_ZONE=Mars\/Olympus is not a time zone/);
  expect(message).toMatch(/LKP_REPORTING_CURRENCY=dollars must be an ISO 4217 code/);
});

describe('alerts by e-mail need a server, a sender and addresses; what is missing is named', () => {
  const whole = {
    LKP_ALERT_EMAIL: 'ada@example.com, bo@example.com',
    LKP_ALERT_FROM: 'LKP <lkp@example.com>',
    LKP_SMTP_URL: 'smtp://u:p@mail.example.com:587',
  };
  test('whole', () => expect(readSettings(whole)).toMatchObject(whole));
  test.each([
    [{ LKP_SMTP_URL: '' }, /LKP_ALERT_EMAIL is set and LKP_SMTP_URL is not: name the mail server/],
    [{ LKP_ALERT_FROM: '' }, /LKP_ALERT_EMAIL is set and LKP_ALERT_FROM is not: name the sender/],
    [{ LKP_SMTP_URL: '', LKP_ALERT_FROM: '' }, /LKP_SMTP_URL is not.*LKP_ALERT_FROM is not/],
    [{ LKP_ALERT_EMAIL: 'ada@example.com, bo' }, /LKP_ALERT_EMAIL=.* must be addresses/],
    [{ LKP_ALERT_FROM: 'nobody' }, /LKP_ALERT_FROM=nobody must be one address/],
    [{ LKP_SMTP_URL: 'mail.example.com' }, /LKP_SMTP_URL=mail.example.com must start with smtp:/],
    [{ LKP_SMTP_URL: 'smtp://' }, /LKP_SMTP_URL=smtp:\/\/ is not an address/],
    [{ LKP_ALERT_WEBHOOK: 'https://' }, /LKP_ALERT_WEBHOOK=\*\*\* is not an address/],
  ])('%j', (fault, says) => {
    const { code, message } = refusal({ ...whole, ...fault });
    expect([code, message]).toEqual(['request', expect.stringMatching(says)]);
  });
  test('a password is not printed, whatever stands in it, nor where a webhook is', () => {
    const { message } = refusal({
      LKP_SMTP_URL: 'smtp://u:se/cr@et@mail:x',
      LKP_ALERT_WEBHOOK: 'ftp://hooks/se/cr@et',
    });
    expect(message).toContain('LKP_SMTP_URL=smtp://***@mail:x is not an address');
    expect(message).not.toMatch(/se\/cr/);
  });
});

describe('values that cannot be used', () => {
  test.each([
    ['DATABASE_URL', 'mysql://x', 'postgres://'],
    ['QUEUE_URL', 'amqp://x', 'redis://'],
    ['LKP_RATE_LOOKBACK_DAYS', '-1', 'LKP_RATE_LOOKBACK_DAYS=-1'],
    ['LKP_RATE_LOOKBACK_DAYS', '1.5', 'LKP_RATE_LOOKBACK_DAYS=1.5'],
    ['LKP_RATE_LOOKBACK_DAYS', 'week', 'LKP_RATE_LOOKBACK_DAYS=week'],
    ['LKP_RATE_LOOKBACK_DAYS', '61', 'LKP_RATE_LOOKBACK_DAYS=61'],
    ['LKP_LOG_LEVEL', 'loud', 'LKP_LOG_LEVEL=loud'],
  ])('%s=%s', (name, value, says) => {
    const { code, message } = refusal({ [name]: value });
    expect(code).toBe('request');
    expect(message).toContain(says);
  });
});

test('a password in a refused address is not shown', () => {
  const { message } = refusal({ DATABASE_URL: 'mysql://user:s3cret@host/db' });
  expect(message).toContain('DATABASE_URL=mysql://');
  expect(message).not.toContain('s3cret');
});

test('every setting has a name of ours or one that hosts know', () => {
  for (const name of Object.keys(SETTINGS.shape))
    expect(name).toMatch(/^(LKP_[A-Z_]+|DATABASE_URL|QUEUE_URL)$/);
});

test('the nearest word is the one with the fewest letters to change', () => {
  expect(nearest('refesh', ['report', 'refresh', 'ingest'])).toBe('refresh');
  expect(nearest('', ['ab', 'a'])).toBe('a');
  expect(nearest('x', [])).toBe('');
});
