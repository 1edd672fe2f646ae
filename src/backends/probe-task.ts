// The process in which a backend is tried (probe.ts).
import { InputError, messageOf } from '../base/errors';
import type { Backend } from './backend';
import { chooseBackend, loadCandidate } from './choose';
import type { Answer, BackendFacts, Question, Tried } from './probe';

function factsOf({ name, device, gpu, driver, versions, notes = [] }: Backend): BackendFacts {
  return { name, device, gpu, driver, versions, notes: [...notes] };
}

async function answerTo(question: Question): Promise<Answer> {
  if ('choose' in question) {
    const backend = await chooseBackend();
    return { decision: { ...factsOf(backend), why: backend.why, rejected: backend.rejected } };
  }
  const began = performance.now();
  const backend = await (await loadCandidate(question.try)).open({ asked: question.asked });
  const openSeconds = (performance.now() - began) / 1000;
  const { selfTest } = await import('./self-test.js');
  const tried: Tried = { ...factsOf(backend), openSeconds, selfTest: await selfTest(backend) };
  if (question.speed) tried.speed = await speedOf(backend);
  if (question.prove) {
    const [{ prove }, { cases }] = await Promise.all([
      import('./proof/prove.js'),
      import('./proof/cases.js'),
    ]);
    tried.proof = await prove(backend, cases);
  }
  return { tried };
}

/** The best of a few products of two square matrices, 2 n^3 FLOP each; small ones where those take long. */
async function speedOf(backend: Backend): Promise<Tried['speed']> {
  const { tf } = await import('./tf.js');
  const secondsOf = async (size: number): Promise<number> => {
    const a = tf.randomNormal([size, size]);
    try {
      let best = Infinity;
      for (let run = 0; run < 4; run++) {
        const began = performance.now();
        tf.dispose(await backend.step('a product of matrices', () => tf.matMul(a, a)));
        best = Math.min(best, (performance.now() - began) / 1000);
        if (best > 0.2) break;
      }
      return best;
    } finally {
      a.dispose();
    }
  };
  const small = { size: 512, seconds: await secondsOf(512) };
  const { size, seconds } = small.seconds > 0.1 ? small : { size: 1024, seconds: await secondsOf(1024) };
  return { gflops: (2 * size ** 3) / seconds / 1e9, size };
}

process.once('disconnect', () => process.exit(1));
process.once('message', (question: Question) => {
  answerTo(question)
    .catch((error: unknown): Answer => {
      if (error instanceof InputError) return { problem: error.problem };
      const given = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
      const what = 'try' in question ? `cannot use the backend ${question.try}` : 'cannot choose a backend';
      return { problem: { what, given, expected: 'no such error', fix: 'tell the authors' } };
    })
    .then((answer) => process.send!(answer))
    .catch(() => process.exit(1));
});
