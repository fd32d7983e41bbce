const barWidth = 12;

/** A bar for a ratio from 0 to 1, always of the same width. */
export function barOf(ratio: number, style: { readonly unicode: boolean }): string {
  const eighths = Math.round(Math.min(1, Math.max(0, ratio)) * barWidth * 8);
  if (!style.unicode) return '#'.repeat(Math.round(eighths / 8)).padEnd(barWidth);
  const partial = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '';
  return ('█'.repeat(Math.floor(eighths / 8)) + partial).padEnd(barWidth);
}
