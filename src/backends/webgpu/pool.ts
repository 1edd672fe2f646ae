// The buffers of TensorFlow.js: it keeps freed ones for later by their exact size and never gives one back.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

type Manager = WebGPUBackend['bufferManager'];

/** What the stock class keeps to itself and we need. */
interface Insides {
  freeBuffers: Map<string, GPUBuffer[]>;
  numFreeBuffers: number;
}

/** Bytes on the device. Dawn's own bookkeeping and the driver's come on top. */
export interface DeviceBytes {
  /** Buffers in use. */
  used: number;
  /** Buffers in use and those kept for later: all that was asked of the device and not given back. */
  allocated: number;
}

export class Pool {
  private peak: DeviceBytes;
  /** Buffers acquired since the last mark, while somebody wants to know. */
  private acquired: GPUBuffer[] | null = null;

  constructor(private readonly manager: Manager) {
    this.peak = this.now();
    const acquire = manager.acquireBuffer.bind(manager);
    manager.acquireBuffer = (...args): GPUBuffer => {
      const buffer = acquire(...args);
      this.acquired?.push(buffer);
      const { used, allocated } = this.now();
      this.peak = {
        used: Math.max(this.peak.used, used),
        allocated: Math.max(this.peak.allocated, allocated),
      };
      return buffer;
    };
  }

  now(): DeviceBytes {
    return { used: this.manager.numBytesUsed, allocated: this.manager.numBytesAllocated };
  }

  /** The most since the last `startPeak`. */
  peakBytes(): DeviceBytes {
    return { ...this.peak };
  }

  startPeak(): void {
    this.peak = this.now();
  }

  /** Run `f`; when it throws, buffers that it had acquired are given back. */
  unlessItThrows(f: () => void): void {
    const outer = this.acquired;
    this.acquired = [];
    try {
      f();
    } catch (error) {
      for (const buffer of this.acquired) this.manager.releaseBuffer(buffer, false);
      throw error;
    } finally {
      this.acquired = outer;
    }
  }

  /** Give back everything that is kept for later. The numbers are right afterwards. */
  flush(): void {
    const insides = this.manager as unknown as Insides;
    for (const buffers of insides.freeBuffers.values()) {
      for (const buffer of buffers) {
        this.manager.numBytesAllocated -= buffer.size;
        insides.numFreeBuffers--;
        buffer.destroy();
      }
      // The list itself must stay: a buffer of that size that is still in use returns to it.
      buffers.length = 0;
    }
  }
}
