/// <reference types="@webgpu/types" />
// A device of our own, whose calls throw.
//
// WebGPU reports an error to a listener and goes on with an object that does nothing: what is computed with it is
// silently garbage. Dawn for Node calls the listener before the faulty call returns, so that every call of the device
// can throw the error it caused, before anything else is built on it.
import { formatBytes } from '../../base/progress';

/** What TensorFlow.js or our own kernels can use, where the adapter has it. */
const features = ['timestamp-query', 'shader-f16', 'subgroups', 'bgra8unorm-storage'] as const;

/** Limits that are raised from WebGPU's defaults to what the adapter has. */
const limits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** The device with the adapter's limits and the features of use to us. */
export function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  return adapter.requestDevice({
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[],
    requiredLimits: Object.fromEntries(limits.map((limit) => [limit, adapter.limits[limit]])),
  });
}

/** An error that the device reported. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
}

/** Keeps what a device reports until somebody throws it. */
export class DeviceErrors {
  private reported: string[] = [];
  private lostBecause: string | null = null;

  constructor(device: GPUDevice) {
    device.onuncapturederror = (event): void => {
      // Without this Dawn prints it, too.
      event.preventDefault();
      this.reported.push(inWords(event.error));
    };
    void device.lost.then(({ reason, message }) => {
      this.lostBecause = `the device is lost (${reason}: ${message.split('\n')[0]}); open the backend again`;
    });
  }

  /** Whether the device is gone for good. */
  get lost(): boolean {
    return this.lostBecause !== null;
  }

  /** @throws DeviceError with all that was reported since the last call, or because the device is lost */
  check(doing?: string): void {
    const messages = this.reported;
    this.reported = [];
    // What a lost device reports after its loss only hides the reason.
    if (this.lostBecause !== null) throw new DeviceError(this.lostBecause);
    if (messages.length === 0) return;
    const more = messages.length > 1 ? ` (and ${messages.length - 1} more)` : '';
    throw new DeviceError(`${doing ? `${doing}: ` : ''}${messages[0]}${more}`);
  }
}

/** The kind of an error and what it says, without the places in Dawn's source and the listing of the shader. */
function inWords(error: GPUError): string {
  const kind =
    error.constructor.name === 'GPUOutOfMemoryError'
      ? 'the device is out of memory'
      : error.constructor.name === 'GPUInternalError'
        ? 'the device failed'
        : 'the device refused it';
  const lines = error.message.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !/^(at |- While )/.test(line));
  return `${kind}: ${said.slice(0, 2).join(' ')}`;
}

/** Make the device's own calls throw the errors they cause. */
export function makeThrowing(device: GPUDevice, errors: DeviceErrors): void {
  const replace = <D, R>(
    name: keyof GPUDevice,
    wrap: (create: (descriptor: D) => R) => (descriptor: D) => R,
  ): void => {
    const create = (device[name] as unknown as (descriptor: D) => R).bind(device);
    Object.defineProperty(device, name, { value: wrap(create), configurable: true });
  };
  const checked = (name: keyof GPUDevice, what: string): void =>
    replace(name, (create) => (descriptor) => {
      const made = create(descriptor);
      errors.check(what);
      return made;
    });
  checked('createBindGroup', 'binding its buffers');
  checked('createShaderModule', 'its shader');
  checked('createComputePipeline', 'its pipeline');
  checked('createQuerySet', 'a timer');
  replace<GPUBufferDescriptor, GPUBuffer>('createBuffer', (create) => (descriptor) => {
    const doing = `a buffer of ${formatBytes(descriptor.size)}`;
    let buffer: GPUBuffer | undefined;
    try {
      buffer = create(descriptor);
      errors.check(doing);
      return buffer;
    } catch (error) {
      buffer?.destroy();
      // Where there is no memory to fill it from, Dawn throws by itself, and reports why.
      errors.check(doing);
      throw error;
    }
  });
}
