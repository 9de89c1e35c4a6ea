import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { DRAWN_LOOKS } from './mutate/drawn-looks.ts';
import { type Ground, openGround } from './mutate/ground.ts';
import { lookAt } from './mutate/looks.ts';
import { STATES } from './mutate/states.ts';

/*
 * For each thing that our SQL asks of a row there are drawn facts that show it (decision 0025). What each file makes of
 * them is on record in test/mutate/answers.txt: whoever changes what a file means changes its line there. Was it meant?
 * `npx vitest run test/answers.test.ts --update` writes it anew.
 */

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(inject('server').url);
  const drawn = STATES.find(({ name }) => name === 'drawn')!;
  await ground.on(drawn.from, (app, folder) => drawn.play(app, folder), { keep: drawn.name });
});
afterAll(() => ground.close());

test('each SQL file makes of drawn facts what is on record', async () => {
  const answers = new Map<string, string[]>();
  const keep = (file: string, answer: string) =>
    void answers.set(file, [...(answers.get(file) ?? []), answer]);
  for (const from of new Set(DRAWN_LOOKS.map((look) => look.from ?? 'drawn')))
    await ground.on(from, (app) =>
      lookAt(
        app,
        DRAWN_LOOKS.filter((look) => (look.from ?? 'drawn') === from),
        keep,
      ),
    );
  const lines = [...answers]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([file, said]) => {
      const digest = createHash('sha256').update(said.join('\n\n')).digest('hex').slice(0, 16);
      return `${digest} ${String(said.length).padStart(4)} ${file}`;
    });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('mutate/answers.txt');
});
