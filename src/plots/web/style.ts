// What the page hands over of the theme (src/plots/theme.ts), and what the browser makes of it.
import type { LinkedPlane } from '../../results/linked-planes';

type Colour = readonly [number, number, number];

/** As JSON in the page. */
export interface StyleSheet {
  planes: Record<LinkedPlane['name'], { title: string; colour: string; dash: 'solid' | 'dash' | 'dot' }>;
  /** Colours of label values from 1; they repeat. */
  labels: string[];
  prediction: string;
}

export interface Style {
  planes: StyleSheet['planes'];
  labelColour: (value: number) => Colour;
  prediction: Colour;
}

function bytes(colour: string): Colour {
  const byte = (at: number): number => parseInt(colour.slice(at, at + 2), 16);
  return [byte(1), byte(3), byte(5)];
}

export function styleOf({ planes, labels, prediction }: StyleSheet): Style {
  const colours = labels.map(bytes);
  return {
    planes,
    labelColour: (value) => colours[(value - 1) % colours.length],
    prediction: bytes(prediction),
  };
}

/** plotly's names of dashes as SVG has them. */
export function dashArray(dash: 'solid' | 'dash' | 'dot'): string {
  return { solid: 'none', dash: '7 5', dot: '2.5 3.5' }[dash];
}
