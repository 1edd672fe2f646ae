// The account of one process's allocator, from its log: what was asked for, what was in use, and what was left when it failed.
import { allocatorLine } from '../allocator-log';

/** A request that the allocator could not serve. */
export interface AllocatorFailure {
  /** What was asked for. */
  bytes: number;
  /** What it had left in all, below its limit; null where it did not say. */
  leftBytes: number | null;
  /** The largest piece of that which lies in one place: less than all of it where memory is in pieces. */
  largestBytes: number | null;
}

/** What one allocator held while its process ran. */
export interface AllocatorReading {
  /** Most bytes in use at one time, as the allocator counts: what it rounds up is in it. */
  peakBytes: number;
  /** Most bytes that were asked for and not given back. */
  requestedBytes: number;
  /** What it had taken from the system in the end: pieces that it kept for later use are in it. */
  reservedBytes: number;
  allocations: number;
  /** The last request that failed; null where none did. */
  failure: AllocatorFailure | null;
}

/** Bytes that are on their way to the allocator, in a line of stderr that the process itself writes. */
export const uploadMark = { begin: 'limited process uploads ', end: 'limited process uploaded' };

const peak = /\] New Peak memory usage of (\d+) bytes/;
const extension = /\] Allocated memory at (0x[\da-f]+) to (0x[\da-f]+)/;
const dump = '] BFCAllocator dump for ';
const region = /\] Next region of size (\d+)/;
const free = /\] Free +at [\da-f]+ of size (\d+)/;

/** Reads the log line by line. */
export class AllocatorAccount {
  private requested = 0;
  private readonly reading: AllocatorReading = {
    peakBytes: 0,
    requestedBytes: 0,
    reservedBytes: 0,
    allocations: 0,
    failure: null,
  };
  /** The pieces of the latest dump; the allocator writes one when it fails. */
  private pieces: { regions: number; free: number[] } | undefined;
  private uploading: number | null = null;
  private failedSinceUpload = false;

  /** @param limitBytes  of the allocator */
  constructor(private readonly limitBytes: number) {}

  line(text: string): void {
    const told = allocatorLine(text);
    if (told) return this.count(told.what, told.bytes);
    const { reading, pieces } = this;
    const number = (pattern: RegExp): number | undefined => {
      const found = pattern.exec(text);
      return found ? Number(found[1]) : undefined;
    };
    if (text.startsWith(uploadMark.begin)) {
      this.uploading = Number(text.slice(uploadMark.begin.length));
      this.failedSinceUpload = false;
    } else if (text === uploadMark.end) this.uploading = null;
    else if (text.includes(dump)) this.pieces = { regions: 0, free: [] };
    else if (pieces && region.test(text)) pieces.regions += number(region)!;
    else if (pieces && free.test(text)) pieces.free.push(number(free)!);
    else if (peak.test(text)) reading.peakBytes = Math.max(reading.peakBytes, number(peak)!);
    else {
      const grown = extension.exec(text);
      if (grown) reading.reservedBytes += Number(grown[2]) - Number(grown[1]);
    }
  }

  private count(what: 'allocation' | 'release' | 'failure', bytes: number): void {
    const { reading } = this;
    if (what === 'failure') {
      this.failedSinceUpload = true;
      reading.failure = { bytes, ...this.left() };
      this.pieces = undefined;
      return;
    }
    this.requested += what === 'allocation' ? bytes : -bytes;
    if (what === 'release') return;
    reading.allocations++;
    reading.requestedBytes = Math.max(reading.requestedBytes, this.requested);
  }

  private left(): Pick<AllocatorFailure, 'leftBytes' | 'largestBytes'> {
    if (!this.pieces) return { leftBytes: null, largestBytes: null };
    const { regions, free } = this.pieces;
    // What it has not yet taken from the system it may take in one piece.
    const untaken = Math.max(0, this.limitBytes - regions);
    return {
      leftBytes: free.reduce((a, b) => a + b, untaken),
      largestBytes: Math.max(untaken, ...free),
    };
  }

  /** What it held; null when it said nothing, as an allocator does that is not the one with the limit. */
  result(): AllocatorReading | null {
    return this.reading.allocations > 0 || this.reading.failure ? { ...this.reading } : null;
  }

  /**
   * The upload that was under way at the end and for which the allocator had no place: TensorFlow ends the process then,
   * without a word.
   */
  deadlyUpload(): number | null {
    const { uploading, failedSinceUpload, reading } = this;
    const { failure } = reading;
    if (uploading === null || !failedSinceUpload || failure === null) return null;
    const fits = failure.largestBytes !== null && failure.largestBytes >= uploading;
    return fits || failure.bytes < uploading ? null : uploading;
  }
}
