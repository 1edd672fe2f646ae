// What passes between the engine and the process of one run.
import type { Decision } from '../backends/probe';
import type { Problem } from '../base/errors';
import type { ProgressEvent } from '../base/progress';
import type { Identity } from '../results/identity';
import type { RunRequest } from '../results/run-record';

/** Sent to the process once, or read by it from a file. */
export interface Order {
  request: RunRequest;
  identity: Identity;
  /** The build of dist/ that the identity is of; a process that loads another refuses. */
  build: string;
  /** What the study computes on, where it asks for a backend. */
  backend?: Decision;
  /** The folder of the run store. */
  store: string;
  force: boolean;
}

/** Sent back: progress, or why the run failed. */
export type Word = { progress: ProgressEvent } | { failed: string; problem?: Problem };

/** How the process ends. */
export const exitCodes = {
  done: 0,
  /** The study threw: worth another try. */
  failed: 1,
  /** What was asked for is wrong: another try would end the same way. */
  refused: 2,
  /** The disk is full or read-only: no run can be stored. */
  disk: 74,
  /** Another process computes this run. */
  claimed: 75,
  interrupted: 130,
} as const;
