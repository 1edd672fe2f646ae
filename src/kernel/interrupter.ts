// Stops what the main thread is doing, from the sockets' thread. Code that yields hears the interrupt as a message. Code
// that does not (a busy loop, also one after an `await`) is cut off by V8 through the inspector, at a safe place only.
import { Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { cutOffExpression, mayCutOffExpression } from './hub';

/** How long code may take to hear the message before it is cut off, in ms. */
const patience = 400;
const giveUp = 60_000;

export class Interrupter {
  private session: Session | undefined;
  private wake: NodeJS.Timeout | undefined;
  private number = 0;
  private at: Promise<void> | undefined;

  constructor(
    private readonly tell: (number: number) => void,
    private readonly heard: (number: number) => boolean,
  ) {}

  /** Interrupt whatever runs. A second call while one is at work joins it. */
  interrupt(): Promise<void> {
    this.at ??= this.work().finally(() => {
      this.at = undefined;
      this.close();
    });
    return this.at;
  }

  /** A session left open would hold up the end of the process. */
  close(): void {
    clearInterval(this.wake);
    this.session?.disconnect();
    this.session = undefined;
  }

  private async work(): Promise<void> {
    const number = ++this.number;
    this.tell(number);
    for (let waited = 0; waited < giveUp; waited += 50) {
      if (this.heard(number)) return;
      if (waited >= patience && (await this.evaluate(mayCutOffExpression)) === true) {
        // Both at once: nothing of the main thread may run in between.
        const prepared = this.evaluate(cutOffExpression);
        await this.post('Runtime.terminateExecution');
        await prepared;
        // Now the message is heard. Unless the cell left more of the kind: then the same again.
        await sleep(patience);
      } else await sleep(50);
    }
  }

  private async evaluate(expression: string): Promise<unknown> {
    const answer = (await this.post('Runtime.evaluate', { expression })) as { result?: { value?: unknown } };
    return answer.result?.value;
  }

  private post(method: string, parameters?: object): Promise<object> {
    if (!this.session) {
      this.session = new Session();
      // The inspector's answers do not wake this thread when it sleeps (seen on Node 20): do not let it.
      this.wake = setInterval(() => undefined, 20);
      this.session.connectToMainThread();
    }
    const session = this.session;
    return new Promise((resolve, reject) => {
      session.post(method, parameters, (error: Error | null, result?: object) => {
        if (error) reject(new Error(error.message));
        else resolve(result ?? {});
      });
    });
  }
}
