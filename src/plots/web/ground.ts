// Dark or light: a front end's theme is what lies behind the viewer, whatever its name.

/** The luminance (0 to 1) of the first ground behind an element that is not see-through; a browser's page is white. */
function groundOf(element: Element): number {
  let at: Element | null = element;
  while (at) {
    const colour = getComputedStyle(at).backgroundColor;
    const parts = /rgba?\(([^)]*)\)/
      .exec(colour)?.[1]
      .split(/[\s,/]+/)
      .map(Number);
    if (parts && (parts[3] ?? 1) >= 0.5) {
      return (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]) / 255;
    }
    at = at.parentElement;
  }
  return 1;
}

/** Keep `data-dark` on the host true to its ground, also when the reader changes the theme. */
export function followGround(host: HTMLElement): void {
  const look = (): void => {
    host.toggleAttribute('data-dark', groundOf(host.parentElement ?? host) < 0.4);
  };
  look();
  const watch = new MutationObserver(() => setTimeout(look, 50));
  for (const element of [document.documentElement, document.body])
    watch.observe(element, {
      attributes: true,
      attributeFilter: ['class', 'style', 'data-jp-theme-light', 'data-vscode-theme-kind'],
    });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => setTimeout(look, 50));
}
