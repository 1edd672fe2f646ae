// stand-in until plots/format lands
export function formatNumber(value: number, { digits }: { digits?: number } = {}): string {
  const d =
    digits ?? (Number.isInteger(value) ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1))));
  const [i, f] = Math.abs(value).toFixed(Math.min(d, 12)).split('.');
  const grouped = i.length > 4 ? i.replace(/\B(?=(\d{3})+$)/g, '\u202f') : i;
  return (value < 0 ? '−' : '') + grouped + (f ? `.${f}` : '');
}
export function unitText(unit: string): string {
  return unit === '1' ? '' : unit === 'us' ? 'µs' : unit;
}
