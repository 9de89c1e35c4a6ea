import type { KindName } from '../../src/reference/kinds.ts';

const file = (...rows: string[]): string => `${rows.join('\n')}\n`;
const ENROLMENTS = 'partner_mpn_id,learning_option,competency,anniversary_date,valid_from,valid_to';
const LISTINGS = 'partner_mpn_id,country,name,url,requested_on,valid_from,valid_to';
const URL = 'https://d.example/';

/** What is loaded before the batch of each cycle, and once more after its submission. */
export const DIRECTORY_STORY: ReadonlyArray<{
  readonly cycle: string;
  readonly loads: ReadonlyArray<readonly [KindName, string]>;
  readonly after?: ReadonlyArray<readonly [KindName, string]>;
}> = [
  {
    cycle: '2020-03',
    loads: [
      [
        'partners',
        file(
          'mpn_id,name,country',
          ...Array.from({ length: 12 }, (_, index) => `D${index + 1},Partner ${index + 1},DE`),
        ),
      ],
      [
        'enrolments',
        file(
          ENROLMENTS,
          'D1,Gold,Data,2020-08-01,2018-01-01,',
          // Not on the 15th of April any more, still on it, from it on.
          'D2,Gold,Data,2020-08-01,2018-01-01,2020-04-15',
          'D3,Gold,Data,2020-08-01,2020-04-15,',
          'D4,Gold,Data,2020-08-01,2018-01-01,2020-04-16',
          'D6,Gold,Data,2020-08-01,2018-01-01,',
          'D6,Action Pack,,2020-08-01,2018-01-01,',
          'D7,Gold,Data,2020-08-01,2020-05-01,',
          'D8,Gold,Data,2020-08-01,2018-01-01,',
          'D9,Gold,Data,2020-08-01,2018-01-01,2019-01-01',
          'D9,Gold,Other,2020-08-01,2020-06-01,',
          'D10,Gold,Data,2020-08-01,2018-01-01,',
        ),
      ],
      [
        'listings',
        file(
          LISTINGS,
          `D1,DE,On the day,${URL}1de,2020-03-15,2020-03-01,`,
          `D1,AT,A day late,${URL}1at,2020-03-16,2020-03-01,`,
          `D1,FR,Ends on the 15th,${URL}1fr,2020-03-01,2020-03-01,2020-04-15`,
          `D1,US,Ends a day later,${URL}1us,2020-03-01,2020-03-01,2020-04-16`,
          `D1,IT,Begins on the 15th,${URL}1it,2020-03-01,2020-04-15,`,
          `D1,ES,Ended and late,${URL}1es,2020-03-20,2020-01-01,2020-03-10`,
          ...[2, 3, 4, 5, 6, 7, 8, 9, 10].map(
            (one) => `D${one},DE,Partner ${one},${URL}${one},2020-03-01,2020-03-01,`,
          ),
          `D5,AT,Late and not enrolled,${URL}5at,2020-03-20,2020-03-01,`,
          `D5,FR,Over and not enrolled,${URL}5fr,2020-03-01,2020-03-01,2020-03-02`,
          `D6,AT,Six in Austria,${URL}6at,2020-03-01,2020-03-01,`,
          `D8,AT,Eight in Austria,${URL}8at,2020-03-01,2020-03-01,`,
          `D8,FR,Eight in France,${URL}8fr,2020-03-01,2020-03-01,`,
          `D10,AT,Ten in Austria,${URL}10at,2020-03-01,2020-03-01,`,
        ),
      ],
    ],
    after: [['listings', file(LISTINGS, `D1,JP,Learned late,${URL}1jp,2020-03-01,2020-03-01,`)]],
  },
  {
    cycle: '2020-04',
    loads: [
      // Loaded anew: what was known before has ended.
      [
        'enrolments',
        file(
          ENROLMENTS,
          'D8,Gold,Data,2020-08-01,2018-01-01,2021-01-01',
          'D10,Gold,Data,2020-08-01,2018-01-01,2020-04-01',
        ),
      ],
      [
        'listings',
        file(
          LISTINGS,
          // Asked for too late: the entry stays. Of who is not enrolled any more it does not.
          `D1,DE,Another name,${URL}1de,2020-04-16,2020-04-16,`,
          `D10,DE,Another name,${URL}10,2020-04-16,2020-04-16,`,
          // The old one ended before the new one's turn has come; one still holds; late, and over as well.
          `D6,DE,Partner 6,${URL}6,2020-03-01,2020-03-01,2020-04-01`,
          `D6,DE,Six anew,${URL}6,2020-04-16,2020-04-16,`,
          `D6,AT,Six in Austria,${URL}6at,2020-03-01,2020-03-01,2020-04-20`,
          `D6,AT,Six anew,${URL}6at,2020-04-20,2020-04-20,`,
          `D8,DE,Late and over,${URL}8,2020-04-16,2020-03-01,2020-04-10`,
          `D8,DE,Eight anew,${URL}8,2020-04-16,2020-04-16,`,
          `D8,AT,Eight moved,${URL}8at-new,2020-04-15,2020-03-01,`,
          `D8,FR,Eight in France,${URL}8fr,2020-03-01,2020-03-01,2020-04-02`,
          `D8,IT,Late elsewhere,${URL}8it,2020-04-16,2020-03-01,`,
        ),
      ],
    ],
    after: [
      ['enrolments', file(ENROLMENTS, 'D5,Gold,Data,2020-08-01,2018-01-01,')],
      ['listings', file(LISTINGS, `D8,FR,Eight again,${URL}8fr,2020-04-01,2020-03-01,`)],
    ],
  },
  { cycle: '2020-05', loads: [] },
];

export const DIRECTORY_PARTNERS = [
  ...Array.from({ length: 12 }, (_, index) => `D${index + 1}`),
  '4100101',
  '5200003',
  '9',
];
