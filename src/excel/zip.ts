import { once } from 'node:events';
import type { TransformOptions, Writable } from 'node:stream';
import { crc32, createDeflateRaw, type DeflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';

/** Level 6 takes 2.7 times as long for a sheet that is an eighth smaller. */
const LEVEL = 4;
/** The compressor has a megabyte in hand while rows are made. */
const STREAMED: ZlibOptions & TransformOptions = {
  level: LEVEL,
  chunkSize: 1 << 16,
  writableHighWaterMark: 1 << 20,
};
/** A part up to this size is compressed at one go; a larger one as it comes, on another thread. */
const AT_ONCE = 1 << 20;
/** What is written to the output at one go: a call of the file system for each part's header costs more than the part. */
const BLOCK = 1 << 16;
/** Small parts that each workbook has, such as the theme, are compressed once; so many are kept. */
const KEPT = 64;
const KEPT_LENGTH = 1 << 14;
/** 1980-01-01: zip cannot say an earlier date, and outputs hold no wall clock. */
const DATE = 33;
const LIMIT = 0xffff_ffff;

interface Packed {
  readonly crc: number;
  readonly size: number;
  readonly bytes: Buffer;
}

const kept = new Map<string, Packed>();

/**
 * A zip archive, written front to back, one part at a time. Equal parts give equal bytes: no clock, no attributes.
 * Without zip64, which not every reader knows: a part or an archive beyond 4 GB is refused.
 */
export class Zip {
  readonly #out: Writable;
  readonly #directory: Buffer[] = [];
  #block: Buffer[] = [];
  #blockSize = 0;
  #offset = 0;
  #open: Entry | undefined;

  constructor(out: Writable) {
    this.#out = out;
  }

  /** Adds a part that is there as a whole. */
  append(text: string, { name }: { readonly name: string }): void {
    this.#whole(name, packed(text));
  }

  /** Begins a part that comes in pieces. It must have ended (`settled`) before the next one. */
  open(name: string): Entry {
    if (this.#open) throw new Error(`${name} was begun before the part before it had ended`);
    this.#open = new Entry({
      whole: (bytes) => this.#whole(name, bytes),
      begin: () => this.#header(name, undefined),
      piece: (bytes) => this.#write(bytes),
      end: (offset, found) => {
        const { crc, packedSize, size } = found;
        this.#write(fields([4, 0x0807_4b50], [4, crc], [4, packedSize], [4, size]));
        this.#list(name, offset, found);
      },
    });
    return this.#open;
  }

  /** True while what was handed over has not left memory. */
  get full(): boolean {
    return this.#out.writableNeedDrain || this.#open?.full === true;
  }

  /** Resolves when there is room again and, when the open part has ended, it is written. */
  async settled(): Promise<void> {
    await this.#open?.settled();
    if (this.#open?.ended) this.#open = undefined;
    if (this.#out.writableNeedDrain && !this.#out.destroyed) await once(this.#out, 'drain');
  }

  /** exceljs listens for errors; those of the output are heard at the output. */
  on(): void {
    // nothing to tell
  }

  /** Writes the directory and ends the output. */
  finalize(): void {
    const start = this.#offset;
    for (const entry of this.#directory) this.#write(entry);
    const count = this.#directory.length;
    const size = this.#offset - start;
    this.#write(fields([4, 0x0605_4b50], [4, 0], [2, count], [2, count], [4, size], [4, start], [2, 0]));
    this.#flush();
    this.#out.end();
  }

  /** Stops the work that is under way; whoever waits for it hears why. */
  abort(why: Error): void {
    this.#open?.abort(why);
  }

  #whole(name: string, { crc, size, bytes }: Packed): void {
    const found = { crc, packedSize: bytes.length, size };
    const offset = this.#header(name, found);
    this.#write(bytes);
    this.#list(name, offset, found);
  }

  /** Returns where it begins. Sizes that are not known yet follow the part. */
  #header(name: string, found: Found | undefined): number {
    const offset = this.#offset;
    const bytes = Buffer.from(part(name));
    this.#write(fields([4, 0x0403_4b50], ...common(bytes, found ?? NOTHING, found === undefined)));
    this.#write(bytes);
    return offset;
  }

  #list(name: string, offset: number, found: Found): void {
    if (found.size > LIMIT || found.packedSize > LIMIT || this.#offset > LIMIT)
      throw new Error(`the workbook outgrows 4 GB at ${name}; such a one does not open everywhere`);
    const bytes = Buffer.from(part(name));
    const rest = [
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, offset],
    ] as const;
    this.#directory.push(
      Buffer.concat([
        fields([4, 0x0201_4b50], [2, 20], ...common(bytes, found, found.streamed === true), ...rest),
        bytes,
      ]),
    );
  }

  #write(bytes: Buffer): void {
    this.#offset += bytes.length;
    this.#blockSize += bytes.length;
    this.#block.push(bytes);
    if (this.#blockSize >= BLOCK) this.#flush();
  }

  #flush(): void {
    this.#out.write(Buffer.concat(this.#block));
    this.#block = [];
    this.#blockSize = 0;
  }
}

interface Found {
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  /** Its sizes stand behind it. */
  readonly streamed?: boolean;
}

const NOTHING: Found = { crc: 0, packedSize: 0, size: 0 };

/** exceljs begins some names with a slash, which zip does not know. */
const part = (name: string): string => name.replace(/^\//, '');

/** What a local header and a directory entry have in common: version 2.0, UTF-8 names, deflate, the date. */
const common = (
  name: Buffer,
  { crc, packedSize, size }: Found,
  follows: boolean,
): Array<readonly [number, number]> => [
  [2, 20],
  [2, 0x0800 | (follows ? 8 : 0)],
  [2, 8],
  [2, 0],
  [2, DATE],
  [4, crc],
  [4, packedSize],
  [4, size],
  [2, name.length],
  [2, 0],
];

/** Little-endian fields of a number of bytes each. */
function fields(...values: ReadonlyArray<readonly [bytes: number, value: number]>): Buffer {
  const buffer = Buffer.allocUnsafe(values.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of values) at = buffer.writeUIntLE(value, at, bytes);
  return buffer;
}

function packed(text: string): Packed {
  const known = kept.get(text);
  if (known) return known;
  const plain = Buffer.from(text);
  const made = { crc: crc32(plain), size: plain.length, bytes: deflateRawSync(plain, { level: LEVEL }) };
  if (text.length <= KEPT_LENGTH && kept.size < KEPT) kept.set(text, made);
  return made;
}

/** Where an entry's bytes go. */
interface Archive {
  whole(packed: Packed): void;
  /** Returns where the part begins. */
  begin(): number;
  piece(bytes: Buffer): void;
  end(offset: number, found: Found): void;
}

/** A part on its way into the archive: the stream that exceljs asks for, as far as it uses it. */
export class Entry {
  readonly #archive: Archive;
  #pieces: Buffer[] = [];
  #crc = 0;
  #size = 0;
  #packedSize = 0;
  #deflate: DeflateRaw | undefined;
  #written: Promise<void> | undefined;
  ended = false;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** exceljs also writes buffers of its own kind. */
  write(given: string | { toBuffer(): Buffer }): void {
    const piece = typeof given === 'string' ? Buffer.from(given) : Buffer.from(given.toBuffer());
    this.#crc = crc32(piece, this.#crc);
    this.#size += piece.length;
    if (this.#deflate) {
      this.#deflate.write(piece);
      return;
    }
    this.#pieces.push(piece);
    if (this.#size > AT_ONCE) this.#stream();
  }

  end(): void {
    this.ended = true;
    if (this.#deflate) {
      this.#deflate.end();
      return;
    }
    const bytes = deflateRawSync(Buffer.concat(this.#pieces), { level: LEVEL });
    this.#archive.whole({ crc: this.#crc, size: this.#size, bytes });
  }

  get full(): boolean {
    return this.#deflate?.writableNeedDrain === true;
  }

  async settled(): Promise<void> {
    if (this.ended) await this.#written;
    else if (this.#deflate?.writableNeedDrain && !this.#deflate.destroyed) await once(this.#deflate, 'drain');
  }

  abort(why: Error): void {
    this.#deflate?.destroy(why);
  }

  /** exceljs pauses a stream until its turn comes, and hears when an unfinished sheet is there; ours are finished. */
  pause(): void {
    // nothing to pause
  }
  on(): void {
    // nothing to tell
  }

  #stream(): void {
    const offset = this.#archive.begin();
    const deflate = createDeflateRaw(STREAMED);
    deflate.on('data', (bytes: Buffer) => {
      this.#packedSize += bytes.length;
      this.#archive.piece(bytes);
    });
    this.#written = once(deflate, 'end').then(() => {
      this.#archive.end(offset, {
        crc: this.#crc,
        size: this.#size,
        packedSize: this.#packedSize,
        streamed: true,
      });
    });
    // Whoever waits for the part hears of its end; nobody does once the workbook is given up.
    this.#written.catch(() => undefined);
    for (const piece of this.#pieces) deflate.write(piece);
    this.#pieces = [];
    this.#deflate = deflate;
  }
}
