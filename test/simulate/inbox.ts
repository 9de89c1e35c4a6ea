import { createHash } from 'node:crypto';
import { appendFileSync, utimesSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Known } from './known.ts';
import type { Delivery } from './story.ts';

const EVERY_MS = 5;

/** The inbox folder and its senders, some of whom are not done yet. */
export class Inbox {
  readonly #folder: string;
  readonly #known: Known;
  readonly #arriving = new Map<string, { readonly delivery: Delivery; stop(): void }>();
  /** Whole files that lie there: name -> sha256. */
  readonly whole = new Map<string, string>();
  readonly #archived = new Map<string, string>();
  /** sha256 of what must never be known: no invoices, or not whole yet. */
  readonly never = new Map<string, string>();

  constructor(folder: string, known: Known) {
    this.#folder = folder;
    this.#known = known;
  }

  async deliver(delivery: Delivery): Promise<void> {
    const { name, content, file, arriving } = delivery;
    if (arriving) return this.#begin(delivery);
    await writeFile(join(this.#folder, name), content);
    if (!file) {
      this.never.set(sha256Of(content), name);
      return;
    }
    this.whole.set(name, sha256Of(content));
    this.#known.deliver(sha256Of(content), file);
  }

  /** Half of a file lies there; a growing one gets a byte more every few milliseconds, and a new time at the least. */
  async #begin(delivery: Delivery): Promise<void> {
    const bytes = Buffer.from(delivery.content);
    const isPart = delivery.arriving === 'part';
    const path = join(this.#folder, isPart ? `${delivery.name}.part` : delivery.name);
    let length = bytes.length >> 1;
    await writeFile(path, bytes.subarray(0, length));
    const grow = (): void => {
      if (length < bytes.length - 1) appendFileSync(path, bytes.subarray(length, ++length));
      else utimesSync(path, new Date(), new Date());
    };
    const timer = isPart ? undefined : setInterval(grow, EVERY_MS);
    this.#arriving.set(delivery.name, { delivery, stop: () => clearInterval(timer) });
  }

  get arriving(): string[] {
    return [...this.#arriving.keys()];
  }

  /** Its sender is done with it. */
  async complete(name: string): Promise<void> {
    const arriving = this.#arriving.get(name);
    if (!arriving) return;
    arriving.stop();
    this.#arriving.delete(name);
    const { arriving: how, ...delivery } = arriving.delivery;
    if (how === 'part') await rename(join(this.#folder, `${name}.part`), join(this.#folder, name));
    await this.deliver(delivery);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
    this.whole.delete(name);
  }

  /** The files that are known leave the inbox: each sweep reads all that lie there. */
  async archive(known: ReadonlySet<string>): Promise<void> {
    for (const [name, sha256] of [...this.whole]) {
      if (!known.has(sha256)) continue;
      await this.remove(name);
      this.#archived.set(name, sha256);
    }
  }

  /** sha256 of the whole file that came last under a name. */
  shaOf(name: string): string | undefined {
    return this.whole.get(name) ?? this.#archived.get(name);
  }

  close(): void {
    for (const { stop } of this.#arriving.values()) stop();
  }
}

const sha256Of = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
