// Chooses what computes.
import type { BackendName, Candidate } from './backend';
import { candidate as cpu } from './cpu';
import { candidate as tensorflow } from './tensorflow';
import { candidate as wasm } from './wasm';
import { candidate as webgpu } from './webgpu';

/** Every backend. */
export const candidates: Record<BackendName, Candidate> = { tensorflow, webgpu, wasm, cpu };
