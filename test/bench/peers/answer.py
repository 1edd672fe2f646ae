"""How a peer is asked: a line of JSON `{"plan": ...}` opens a step, `{"steps": n}` runs it n times and times each."""
import json
import sys
import time


def answer(said, open_step):
    """Say what computes, then answer until the input ends.

    `open_step(plan)` gives a function that returns the loss, and the way it was written where there are several."""
    print(json.dumps({'says': said}), flush=True)
    step = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if 'plan' in asked:
                step = None
                step, way = open_step(asked['plan'])
                print(json.dumps({'opened': asked['plan']['name'], 'how': way}), flush=True)
                continue
            milliseconds, losses = [], []
            for _ in range(asked['steps']):
                begin = time.perf_counter()
                losses.append(float(step()))
                milliseconds.append((time.perf_counter() - begin) * 1000)
            print(json.dumps({'milliseconds': milliseconds, 'losses': losses}), flush=True)
        except Exception as error:
            print(json.dumps({'failed': f'{type(error).__name__}: {error}'.splitlines()[0]}), flush=True)
