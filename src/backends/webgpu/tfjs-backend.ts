// TensorFlow.js's backend on our device: it throws where the stock one goes on with garbage.
import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import type { WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { InputError, messageOf } from '../../base/errors';
import { refuse } from '../refuse';
import { tf } from '../tf';
import { withNavigator } from './dawn';
import type { DeviceErrors } from './device';
import { DeviceError } from './device';
import { Pool } from './pool';
import type { OwnProgram } from './own-program';
import { mendProgram } from './programs';

/** What the stock class keeps to itself and we need: its command encoder, its timers, and how it records a program. */
interface Insides {
  commandEncoder: GPUCommandEncoder | null;
  activeTimers: unknown;
  programTimersStack: unknown;
  recordAndSubmit(program: object, output: TensorInfo, inputs: TensorInfo[], uniforms: Uniforms): void;
}

type Uniforms = Parameters<WebGPUBackend['runWebGPUProgram']>[3];

export class GuardedBackend extends WebGPUBackend {
  /** Buffers: what is in use, what is kept for later, peaks. */
  readonly pool: Pool;
  /** Counts programs; a tensor carries the count at which it was computed. */
  private clock = 0;
  private settledAt = 0;
  private readonly computedAt = new WeakMap<object, number>();
  /** Counts of programs whose commands the device refused, and why. */
  private readonly failed: { after: number; upTo: number; why: string }[] = [];
  /** Tensors that kernels of the running step made, also those inside a kernel. */
  private made: object[] | null = null;
  /** Compiled programs of ours, by their text. */
  private readonly pipelines = new Map<string, GPUComputePipeline>();

  constructor(
    device: GPUDevice,
    info: GPUAdapterInfo,
    readonly errors: DeviceErrors,
  ) {
    super(device, info);
    this.pool = new Pool(this.bufferManager);
  }

  private get insides(): Insides {
    return this as unknown as Insides;
  }

  override makeTensorInfo(...args: Parameters<WebGPUBackend['makeTensorInfo']>): TensorInfo {
    const info = super.makeTensorInfo(...args);
    this.made?.push(info.dataId);
    return info;
  }

  override uploadToGPU(dataId: object): void {
    const { dtype, values } = this.tensorMap.get(dataId);
    if (dtype === 'int32' && values && (values as Int32Array).some((value) => Math.abs(value) > 2 ** 24))
      throw refuse('int32', 'webgpu', 'integers above 16,777,216, which its kernels round', [
        'tensorflow',
        'cpu',
      ]);
    try {
      this.pool.unlessItThrows(() => super.uploadToGPU(dataId));
    } finally {
      if (!this.computedAt.has(dataId)) this.computedAt.set(dataId, this.clock);
    }
  }

  override runWebGPUProgram(
    program: WebGPUProgram,
    inputs: TensorInfo[],
    dtype: DataType,
    uniforms?: Uniforms,
    given?: TensorInfo,
  ): TensorInfo {
    this.errors.check();
    for (const input of inputs) this.checkTensor(input.dataId);
    mendProgram(program, inputs);
    const output = given ?? this.makeTensorInfo(program.outputShape, dtype);
    this.computedAt.set(output.dataId, ++this.clock);
    try {
      return super.runWebGPUProgram(program, inputs, dtype, uniforms, output);
    } catch (error) {
      if (given === undefined) this.disposeData(output.dataId, true);
      throw error instanceof DeviceError
        ? new DeviceError(`${program.constructor.name} [${program.outputShape.join(', ')}]: ${error.message}`)
        : error;
    }
  }

  /**
   * Run a program of ours: a whole shader with as many outputs as it likes.
   * @param inputs  float32, none of them empty
   * @returns its outputs, new tensors
   */
  runOwnProgram(program: OwnProgram, inputs: TensorInfo[]): TensorInfo[] {
    this.errors.check();
    for (const input of inputs) this.checkTensor(input.dataId);
    const outputs: TensorInfo[] = [];
    try {
      for (const shape of program.outputs) outputs.push(this.makeTensorInfo(shape, 'float32'));
      this.clock++;
      for (const { dataId } of outputs) this.computedAt.set(dataId, this.clock);
      for (const { dataId } of [...outputs, ...inputs]) this.uploadToGPU(dataId);
      let pipeline = this.pipelines.get(program.code);
      if (!pipeline) {
        const module = this.device.createShaderModule({ code: program.code, label: program.name });
        pipeline = this.device.createComputePipeline({
          compute: { module, entryPoint: 'main' },
          label: program.name,
          layout: 'auto',
        });
        this.pipelines.set(program.code, pipeline);
      }
      // With pixelsOpType the stock class hands over one number of its own before the uniforms, and nothing else.
      const recorded = {
        constructor: { name: program.name },
        pipeline,
        dispatch: program.dispatch,
        pixelsOpType: 0,
      };
      const [first, ...others] = outputs;
      const flat = { ...first, shape: [tf.util.sizeFromShape(first.shape)] };
      const uniforms = program.uniforms.map(({ type, value }) => ({ type, data: [value] }));
      this.insides.recordAndSubmit(recorded, flat, [...others, ...inputs], uniforms);
      return outputs;
    } catch (error) {
      for (const { dataId } of outputs) this.disposeData(dataId, true);
      throw error instanceof DeviceError ? new DeviceError(`${program.name}: ${error.message}`) : error;
    }
  }

  override submitQueue(): void {
    super.submitQueue();
    this.checkDevice('submitting commands');
  }

  /** Hand what is recorded to the device. */
  submit(): void {
    if (this.insides.commandEncoder === null) return;
    this.endComputePassEncoder();
    this.submitQueue();
  }

  /** Wait until the device has done everything. @throws DeviceError when it reported an error */
  async settle(): Promise<void> {
    const upTo = this.clock;
    this.submit();
    await this.queue.onSubmittedWorkDone();
    this.checkDevice('waiting for the device');
    this.settledAt = Math.max(this.settledAt, upTo);
  }

  /** As `errors.check`, and all that was computed since the device was last known to be well is given up. */
  private checkDevice(doing: string): void {
    try {
      this.errors.check(doing);
    } catch (error) {
      if (!this.errors.lost)
        this.failed.push({ after: this.settledAt, upTo: this.clock, why: messageOf(error) });
      throw error;
    }
  }

  /** @throws DeviceError when a tensor's numbers are not to be had, or not to be trusted */
  private checkTensor(dataId: object): void {
    const at = this.computedAt.get(dataId);
    if (at === undefined) return;
    const failure = this.failed.find(({ after, upTo }) => at > after && at <= upTo);
    if (failure)
      throw new DeviceError(
        `this tensor has no numbers, the device failed when it was computed (${failure.why})`,
      );
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    this.errors.check();
    this.checkTensor(dataId);
    const upTo = this.clock;
    let values: tf.BackendValues;
    try {
      values = await super.read(dataId);
    } catch (error) {
      this.checkDevice('reading a tensor');
      throw error;
    }
    this.checkDevice('reading a tensor');
    this.checkTensor(dataId);
    this.settledAt = Math.max(this.settledAt, upTo);
    return values;
  }

  override readSync(dataId: object): tf.BackendValues {
    const { values, dtype } = this.tensorMap.get(dataId);
    // The stock class leaves it undefined where the numbers are on the card, or null where they were sent to it.
    if ((values ?? null) === null && dtype !== 'complex64')
      throw new InputError({
        what: 'cannot read a tensor on webgpu',
        given: 'dataSync() or arraySync(), which would have to wait for the card',
        expected: 'data() or array()',
        fix: 'write `await tensor.data()`',
      });
    return super.readSync(dataId);
  }

  /** Begin to note what kernels make, so that a step that fails can free what they had not yet handed over. */
  beginStep(): void {
    this.submit();
    this.made = [];
  }

  /** Stop noting. */
  endStep(): void {
    this.made = null;
  }

  /** After a failure: free what kernels had in hand when it came, and everything kept for later. */
  clearUp(): void {
    const made = this.made ?? [];
    this.made = null;
    this.insides.activeTimers = undefined;
    this.insides.programTimersStack = undefined;
    try {
      this.submit();
    } catch {
      // The same failure, which is being thrown already.
    }
    const known = tf.engine().state.tensorInfo;
    for (const dataId of made)
      if (!known.has(dataId) && this.tensorMap.has(dataId)) this.disposeData(dataId, true);
    this.pool.flush();
  }
}

/** The backend on a device. */
export function guardedBackend(
  device: GPUDevice,
  info: GPUAdapterInfo,
  errors: DeviceErrors,
): GuardedBackend {
  return withNavigator(() => new GuardedBackend(device, info, errors));
}
