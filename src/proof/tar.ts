import type { FileHandle } from 'node:fs/promises';
import { LkpError } from '../job.ts';

/** A bundle of which something is not what it was; nothing of it is used then. */
export class BrokenBundle extends LkpError {
  readonly member: string;
  constructor(member: string, reason: string) {
    super('request', reason);
    this.member = member;
  }
}

/**
 * A tar archive (POSIX ustar) as we write it, and nothing else: plain files, one way to write each byte. Nothing in it is
 * compressed, so that it can be no bomb; nothing but a name and a size is said of a member, so that equal members give
 * equal bytes. `tar xf` opens it.
 */
export const BLOCK = 512;
/** What the size of a member can say: 11 octal digits. */
const MOST_BYTES = 8 ** 11 - 1;
/** Names that the header has room for, and that stay below the folder they are unpacked into. */
export const MEMBER = /^(?!.{101})[a-z0-9][a-z0-9.-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

/** The header of a member. Reading compares with it, so that an altered byte of a header is seen. */
export function headerOf(name: string, bytes: number): Buffer {
  if (!MEMBER.test(name) || bytes > MOST_BYTES)
    throw new Error(`no member of a bundle can be ${JSON.stringify(name)} with ${bytes} bytes`);
  const header = Buffer.alloc(BLOCK);
  const put = (offset: number, text: string) => header.write(text, offset, 'latin1');
  put(0, name);
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${bytes.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\u000000');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** Zeros up to the next block. */
export const paddingOf = (bytes: number): Buffer => Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);
/** Two blocks of zeros end an archive. */
export const END = Buffer.alloc(2 * BLOCK);

/** Reads an archive front to back. Throws BrokenBundle at the first byte that we would not have written. */
export class TarReader {
  readonly #file: FileHandle;
  readonly #shown: string;
  #at = 0;
  #member = 'manifest.json';

  constructor(file: FileHandle, shown: string) {
    this.#file = file;
    this.#shown = shown;
  }

  /** The header of the next member, read but not yet checked. */
  async next(): Promise<{ name: string; bytes: number }> {
    const header = await this.#read(BLOCK);
    const name = header.subarray(0, 100).toString('latin1').replace(/\0.*$/s, '');
    const size = header.subarray(124, 135).toString('latin1');
    const bytes = /^[0-7]{11}$/.test(size) ? Number.parseInt(size, 8) : -1;
    if (!MEMBER.test(name) || bytes < 0 || !header.equals(headerOf(name, bytes)))
      throw this.#refused(
        `the header at byte ${this.#at - BLOCK}, behind ${this.#member}, is not one that lkp writes`,
      );
    this.#member = name;
    return { name, bytes };
  }

  /** The bytes of the member that `next` announced, in pieces. */
  async *body(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      const piece = await this.#read(Math.min(left, 1 << 20));
      left -= piece.length;
      yield piece;
    }
    const padding = paddingOf(bytes);
    if (!(await this.#read(padding.length)).equals(padding))
      throw this.#refused(
        `behind ${this.#member}, before byte ${this.#at}, there are bytes that lkp does not write`,
      );
  }

  /** Whether nothing but the end follows. */
  async end(): Promise<void> {
    const rest = await this.#read(END.length);
    const { bytesRead } = await this.#file.read(Buffer.alloc(1), 0, 1, this.#at);
    if (rest.equals(END) && bytesRead === 0) return;
    const [name] = rest.subarray(0, 100).toString('latin1').split('\0');
    throw this.#refused(
      `behind its last member, ${this.#member}, there is more${name ? `: ${JSON.stringify(name)}` : ''}`,
    );
  }

  async #read(bytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(bytes);
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await this.#file.read(buffer, done, bytes - done, this.#at + done);
      if (bytesRead === 0) throw this.#refused(`it ends at byte ${this.#at + done}, in the middle`);
      done += bytesRead;
    }
    this.#at += bytes;
    return buffer;
  }

  #refused(why: string): BrokenBundle {
    return new BrokenBundle(
      this.#member,
      `${this.#shown} is no whole bundle of lkp: ${why}. Get it again from who made it, and compare its sha256.`,
    );
  }
}
