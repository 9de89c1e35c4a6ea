import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LkpError } from '../job.ts';
import type { Sql, Table } from '../ports.ts';
import { type Field, findHeader, type Header, missingFields } from '../staging.ts';
import { needText } from '../written.ts';
import { readYaml } from '../yaml.ts';

/** The fields of an invoice line and the EN 16931-1 business terms that they are. */
export const FIELDS = {
  invoice_number: 'BT-1',
  issue_date: 'BT-2',
  type_code: 'BT-3',
  currency: 'BT-5',
  reference_number: 'BT-25',
  seller: 'BT-29',
  customer_number: 'BT-46',
  line_number: 'BT-126',
  quantity: 'BT-129',
  net_amount: 'BT-131',
  price: 'BT-146',
  item_name: 'BT-153',
  sku: 'BT-155',
} as const;
export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

/** What a row that came back corrected says of the row whose place it takes: the columns that the rejects file adds. */
export const CORRECTS = ['corrects_file', 'corrects_row'] as const;
export const CORRECTS_HEADERS = { corrects_file: 'lkp file', corrects_row: 'lkp row' } as const;

/** What a reader says besides of a document: both figures, where its totals differ. */
export const TOTALS_DIFFER = { name: 'totals_differ', header: 'lkp totals differ' } as const;
/** Every field of the rows in `load`. */
export const ROW_FIELDS = [...FIELD_NAMES, ...CORRECTS, TOTALS_DIFFER.name] as const;

const field = z.enum(FIELD_NAMES as [FieldName, ...FieldName[]]);

const shape = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens'),
  description: z.string().default(''),
  /** What it reads: tables, or e-invoices in one of their two syntaxes. */
  formats: z
    .array(z.enum(['csv', 'xlsx', 'ubl', 'cii']))
    .min(1)
    .default(['csv', 'xlsx']),
  /** Purchase channel. */
  source: z.enum(['marketplace', 'certification-provider']).default('marketplace'),
  /** Seller identifier of documents that name none. */
  seller: z.string().min(1),
  /** ISO 4217 code of files without a currency column. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
    .optional(),
  /** SKU of rows that name none. */
  default_product: z.string().min(1).optional(),
  /** Field -> header names that mean it, compared without case, spaces and punctuation. */
  columns: z.partialRecord(field, z.array(z.string().min(1)).min(1)),
  /** Fields of `columns` that a file may lack. */
  optional: z.array(field).default([]),
  delimiter: z
    .string()
    .regex(/^[\t -!#-~]$/, 'must be one ASCII character other than a quote')
    .optional(),
  encoding: z.string().optional(),
  sheet: z.string().optional(),
  /** How dates are written; `found`: as the whole column says. */
  date_format: z
    .string()
    .regex(
      /^(found|day-first|month-first|(?=.*YYYY)(?=.*MM)(?=.*DD)[YMDHms :./T-]+)$/,
      'must hold YYYY, MM and DD, such as DD/MM/YYYY, or be day-first, month-first or found',
    )
    .default('found'),
  /** Whether a number such as 43830 in the date column is a day as Excel counts them. */
  serial_dates: z.boolean().default(false),
  /** How numbers are written; `found`: as the whole column says. */
  number_format: z
    .union([
      z.literal('found'),
      z
        .strictObject({
          decimal: z.enum(['.', ',']).default('.'),
          group: z.enum(['', ',', '.', ' ', "'"]).default(''),
        })
        .refine(({ decimal, group }) => decimal !== group, 'decimal and group must differ'),
    ])
    .default('found'),
  document_type: z
    .strictObject({
      /** Start of the invoice number -> UNTDID 1001 code. */
      prefix: z.record(z.string().min(1), z.string()).default({}),
      /** Code of documents that no prefix matches, or that lack the column. */
      otherwise: z.string().optional(),
      /** Value of the type column -> UNTDID 1001 code. */
      map: z.record(z.string(), z.string()).default({}),
    })
    .default({ prefix: {}, map: {} }),
  /** Whether a credit's quantities come positive (the standard) or already carry a minus. */
  credit_quantities: z.enum(['positive', 'negative']).default('positive'),
  /** Ends that are cut off a field's text, such as `.0` of ids that went through a spreadsheet. */
  strip_suffix: z.partialRecord(field, z.string().min(1)).default({}),
});

/** What contradicts itself is looked for only where each part is what it should be. */
const schema = shape.pipe(
  z.custom<z.infer<typeof shape>>().superRefine((profile, context) => {
    const given = (name: FieldName) => profile.columns[name] !== undefined;
    const wants = (ok: boolean, message: string) => ok || context.addIssue({ code: 'custom', message });
    for (const name of ['invoice_number', 'issue_date', 'customer_number', 'quantity'] as const)
      wants(given(name), `columns must map ${name}`);
    for (const name of ['invoice_number', 'issue_date', 'customer_number', 'quantity'] as const)
      wants(!profile.optional.includes(name), `${name} cannot be optional`);
    wants(given('net_amount') || given('price'), 'columns must map net_amount or price');
    wants(
      given('currency') || profile.currency !== undefined,
      'columns must map currency, or currency be set',
    );
    wants(
      given('sku') || profile.default_product !== undefined,
      'columns must map sku, or default_product be set',
    );
  }),
);

/** `body` is its text as written, `hash` the text's sha256. */
export type Profile = z.infer<typeof schema> & { readonly hash: string; readonly body: string };

/** A profile in the making: it may lack what a whole one must have. */
export const draftProfile = (settings: z.input<typeof shape>): Profile => ({
  ...shape.parse(settings),
  hash: '',
  body: '',
});

const BUILT_IN = new URL('./profiles/', import.meta.url);

/** Reads one profile. Throws LkpError('request') that names the file, the setting and what is wrong with it. */
export async function readProfile(path: string | URL, shown: string): Promise<Profile> {
  const text = await needText(path, 'profile', shown);
  const profile = readYaml(text, 'profile', shown, schema, Object.keys(shape.shape));
  return { ...profile, hash: createHash('sha256').update(text).digest('hex'), body: text };
}

/** Keeps a profile under which a file is taken in: the file can be read the same way again, whatever becomes of the profile. */
export const keepProfile = (tx: Sql, { hash, name, body }: Profile): Promise<unknown> =>
  tx.rows('insert into import_profile (sha256, name, body) values ($1, $2, $3) on conflict do nothing', [
    hash,
    name,
    body,
  ]);

/** The built-in profiles and those of the profiles folder, by name; a folder's own wins over a built-in one. */
async function knownProfiles(folder: string): Promise<Map<string, Profile>> {
  const profiles = new Map<string, Profile>();
  for (const from of [BUILT_IN, folder]) {
    const names = await readdir(from).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw new LkpError(
        'machine',
        `The profiles folder ${folder} cannot be read (${error.code}). Check its permissions.`,
        { cause: error },
      );
    });
    for (const name of names.filter((file) => /\.ya?ml$/.test(file)).sort()) {
      const profile = await readProfile(from instanceof URL ? new URL(name, from) : join(from, name), name);
      profiles.set(profile.name, profile);
    }
  }
  return profiles;
}

/** The profiles that may read a file: the one asked for by name or path, else all known ones. */
export async function candidateProfiles(folder: string, asked?: string): Promise<Profile[]> {
  if (asked !== undefined && (/[/\\]|\.ya?ml$/.test(asked) || (await isFile(asked))))
    return [await readProfile(asked, asked)];
  const known = await knownProfiles(folder);
  if (asked === undefined) return [...known.values()];
  const profile = known.get(asked);
  if (profile) return [profile];
  throw new LkpError(
    'request',
    `There is no profile "${asked}". Known are: ${[...known.keys()].join(', ')}. Name one of them, or the path of a .yaml file.`,
  );
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

export const fieldsOf = (profile: Profile): Field[] => [
  ...Object.entries(profile.columns).map(([name, names]) => ({
    name,
    synonyms: names,
    required: !profile.optional.includes(name as FieldName),
  })),
  ...CORRECTS.map((name) => ({ name, synonyms: [CORRECTS_HEADERS[name]], required: false })),
  { name: TOTALS_DIFFER.name, synonyms: [TOTALS_DIFFER.header], required: false },
];

/** A profile and where its header stands in a table. */
export interface Match {
  readonly profile: Profile;
  readonly header: Header;
}

/** The header of a profile in an opened table, or undefined. Two columns of one name throw LkpError('request'). */
export function matchProfile(profile: Profile, table: Table): Match | undefined {
  if (!profile.formats.includes(table.format)) return undefined;
  const header = findHeader(table.head, fieldsOf(profile));
  if (!header) return undefined;
  if (!header.columns.has('net_amount') && !header.columns.has('price')) return undefined;
  return { profile, header };
}

/** Says why no profile matches: what the nearest row looks like and what it lacks. */
export function noMatch(profiles: readonly Profile[], table: Table): string {
  const readers = profiles.filter(({ formats }) => formats.includes(table.format));
  if (profiles.length > 0 && readers.length === 0)
    return `No profile that was tried (${profiles.map(({ name }) => name).join(', ')}) reads ${table.format} files. Name another one with --profile, or add ${table.format} to its formats.`;
  const nearestOnes = readers
    .map((profile) => ({ profile, ...missingFields(table.head, fieldsOf(profile)) }))
    .sort((a, b) => a.missing.length - b.missing.length);
  const best = nearestOnes[0];
  if (!best) return 'No profile is known. Name one with --profile.';
  const seen = best.cells
    .filter((cell) => cell.trim() !== '')
    .slice(0, 12)
    .map((cell) => cell.replace(/\p{Cc}/gu, ' ').slice(0, 40))
    .join(', ');
  const lacks = best.missing
    .map((name) => `${name} ("${best.profile.columns[name as FieldName]?.[0] ?? name}")`)
    .join(', ');
  return `No header was found in the first 20 rows. The nearest is row ${best.row} (${seen || 'empty'}); the profile ${best.profile.name} also wants ${lacks}. Name another profile with --profile, or write one (docs/cli.md).`;
}

/** The prefixes of invoice numbers that decide the document type, the longest first. */
export const prefixesOf = (profile: Profile): Array<[prefix: string, code: string]> =>
  Object.entries(profile.document_type.prefix).sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
