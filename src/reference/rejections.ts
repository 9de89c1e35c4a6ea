/**
 * The one catalogue of why a row of a reference file is rejected. Code -> what was seen and wanted (`reason`;
 * `{seen}` is the value), and the next step (`hint`). A test holds SQL and catalogue together.
 */
export const REFERENCE_RULES: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
  'ragged-row': {
    reason: 'The row does not have as many cells as the header, or cannot be split into cells: {seen}',
    hint: 'Correct the row (a missing delimiter, an unclosed quote) and load the file again.',
  },
  'cell-too-long': {
    reason: 'The cell in column {seen} is longer than 500 characters (2,000 for a URL).',
    hint: 'Shorten it; a missing quote often joins several cells into one.',
  },
  'mpn-id-unusable': {
    reason: '"{seen}" cannot be an MPN ID.',
    hint: 'Write 1 to 64 letters, digits, points, hyphens or underscores, the first a letter or digit; a report file is named by it.',
  },
  'partner-id-missing': {
    reason: 'The MPN ID of the partner is empty.',
    hint: 'Fill in the MPN ID and load the file again.',
  },
  'location-id-missing': {
    reason: 'The MPN ID of the location is empty.',
    hint: 'Fill in the MPN ID of the location and load the file again.',
  },
  'customer-number-missing': {
    reason: 'The customer number is empty.',
    hint: 'Fill in the customer number as it stands on the invoices and load the file again.',
  },
  'program-unknown': {
    reason: 'The program "{seen}" is not a purchase channel.',
    hint: 'Write marketplace or certification-provider; blank means marketplace.',
  },
  'name-missing': {
    reason: 'The name is empty.',
    hint: 'Fill in the name and load the file again.',
  },
  'country-unknown': {
    reason: '"{seen}" is not a country that we know.',
    hint: 'Write the two letters of ISO 3166-1 (DE) or the English name (Germany).',
  },
  'learning-option-missing': {
    reason: 'The Learning option is empty.',
    hint: 'Write the option as the rule set names it, such as Action Pack, Silver or Gold.',
  },
  'anniversary-date-unreadable': {
    reason: 'The anniversary date "{seen}" is not a date.',
    hint: 'Write it as YYYY-MM-DD, such as 2021-03-17.',
  },
  'measure-unknown': {
    reason: 'The measure "{seen}" is not one that we know.',
    hint: 'Write mct, exam, survey-score or survey-count.',
  },
  'value-unreadable': {
    reason: 'The value "{seen}" is not a number of 0 or more.',
    hint: 'Write a plain number with a point, such as 4.25; no thousands separators.',
  },
  'sku-missing': {
    reason: 'The SKU is empty.',
    hint: 'Fill in the SKU as it stands on the invoices and load the file again.',
  },
  'omlp-type-missing': {
    reason: 'The OMLP type is empty.',
    hint: 'Write the product family, such as MOC or Exam vouchers.',
  },
  'units-unreadable': {
    reason: 'The units per SKU "{seen}" are not a number above 0.',
    hint: 'Write a plain number, such as 10 for a pack of ten; blank means 1.',
  },
  'url-unusable': {
    reason: '"{seen}" is not the address of a web page.',
    hint: 'Write the whole address, such as https://learn.example.com/page: http or https, a host, no user name, no spaces.',
  },
  'requested-on-unreadable': {
    reason: 'The day of the request "{seen}" is not a date.',
    hint: 'Write it as YYYY-MM-DD; it decides which cycle the listing joins.',
  },
  'currency-unknown': {
    reason: '"{seen}" is not a currency of ISO 4217.',
    hint: 'Correct the currency code and load the file again.',
  },
  'rate-of-euro': {
    reason: 'The row gives a rate for EUR; rates are units for one euro, so the euro is always 1.',
    hint: 'Remove the row.',
  },
  'rate-date-unreadable': {
    reason: 'The day of the rate "{seen}" is not a date.',
    hint: 'Write it as YYYY-MM-DD (the ECB also writes 13 April 2026).',
  },
  'rate-unreadable': {
    reason: 'The rate "{seen}" is not a number above 0.',
    hint: 'Write a plain number with a point: units of the currency for one euro.',
  },
  'rate-missing': {
    reason: 'The row of {seen} has no rate at all.',
    hint: "Get the ECB's file again, or remove the row.",
  },
  'valid-from-unreadable': {
    reason: 'The start of validity "{seen}" is not a date.',
    hint: 'Write it as YYYY-MM-DD; blank means that it always was so.',
  },
  'valid-to-unreadable': {
    reason: 'The end of validity "{seen}" is not a date.',
    hint: 'Write the first day on which it is no longer so, as YYYY-MM-DD; blank means that it goes on.',
  },
  'validity-empty': {
    reason: 'The validity ends on or before the day on which it begins: {seen}.',
    hint: 'valid_to is the first day on which it is no longer so; correct one of the two dates.',
  },
  'validity-overlap': {
    reason: 'Another row of this file says something else about the same time: {seen}.',
    hint: 'Let one end (valid_to) on the day on which the other begins (valid_from), or remove one. None of them was loaded.',
  },
  'hierarchy-loop': {
    reason: 'The location would stand below itself: {seen}.',
    hint: 'Correct the partner of one of them; a location may be its own partner, but not go round by others.',
  },
  'key-incomplete': {
    reason: 'Another row of the same key was rejected: {seen}. A key is loaded wholly or not at all.',
    hint: 'Correct that row and load the file again; until then this key stays as it was.',
  },
};

/** The catalogue's sentences for one rejected row. */
export function explainReferenceRule(rule: string, seen: string | null): { reason: string; hint: string } {
  const found = REFERENCE_RULES[rule];
  if (!found) throw new Error(`The rule ${rule} is not in the catalogue of reference data`);
  return { reason: found.reason.replace('{seen}', () => seen ?? ''), hint: found.hint };
}
