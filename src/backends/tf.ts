// TensorFlow.js, the one copy of it: everything of ours takes it from here. The union package is imported because in Node
// it alone registers the gradients. It takes about a second to load: import this file lazily.
import * as tf from '@tensorflow/tfjs';
import { registerGradients } from './gradients';
import { traceProcess } from './trace';

registerGradients(tf);
traceProcess(tf.engine());

export { tf };
