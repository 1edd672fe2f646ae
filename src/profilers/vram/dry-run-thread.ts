// A thread that makes dry runs: each message is a job, each answer its result.
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../base/errors';
import type { Answer, Job } from './dry-runs';
import { dryRunOf } from './tfjs';

parentPort?.on('message', ({ setting, part }: Job) => {
  let answer: Answer;
  try {
    answer = { growth: dryRunOf(setting, part) };
  } catch (error) {
    answer = { error: messageOf(error) };
  }
  parentPort!.postMessage(answer);
});
