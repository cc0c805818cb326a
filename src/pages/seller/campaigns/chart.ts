import { formatCount, formatShortMoment, formatSlots as inSlots } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { table } from '../../../web/table.ts';

export interface SlotsAt {
  readonly at: Date;
  readonly slots: number;
}

const [width, height] = [640, 220] as const;
const margin = { left: 5, right: 5, top: 5, bottom: 5 } as const;
/** Maximum number of rows in the table below the chart. */
const tableRows = 8;

/**
 * Returns the number of taken slots over time, as a chart and as a table. `total` is the highest
 * value of the chart's scale.
 */
export function slotsChart(visit: PageContext, points: readonly SlotsAt[], total: number): Html {
  const { t, language } = visit;
  const [first, last] = [points[0]!, points.at(-1)!];
  const span = Math.max(1, last.at.getTime() - first.at.getTime());
  const x = (at: Date) =>
    round(
      margin.left +
        ((at.getTime() - first.at.getTime()) / span) * (width - margin.left - margin.right),
    );
  const y = (slots: number) =>
    round(height - margin.bottom - (slots / total) * (height - margin.top - margin.bottom));
  // The line has steps, because the number stays the same until the next change.
  const line = points
    .map(({ at, slots }, index) =>
      index === 0 ? `M${x(at)} ${y(slots)}` : `H${x(at)}V${y(slots)}`,
    )
    .join('');
  const title = t('seller.chart.slotsTakenOverTime');
  const most = Math.max(...points.map(({ slots }) => slots));
  const description = t('seller.chart.fromToAtTheEnd', {
    from: formatShortMoment(first.at, language),
    to: formatShortMoment(last.at, language),
    slots: last.slots,
    most,
    total,
  });
  return html`<figure class="chart">
    <p class="chart-most" aria-hidden="true">${inSlots(total, language)}</p>
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="chart-title chart-words">
      <title id="chart-title">${title}</title>
      <desc id="chart-words">${description}</desc>
      <line class="chart-top" x1="0" x2="${width}" y1="${y(total)}" y2="${y(total)}"></line>
      <line class="chart-base" x1="0" x2="${width}" y1="${y(0)}" y2="${y(0)}"></line>
      <path class="chart-area" d="${line}V${y(0)}H${x(first.at)}Z"></path>
      <path class="chart-line" d="${line}"></path>
      <circle class="chart-end" cx="${x(last.at)}" cy="${y(last.slots)}" r="4"></circle>
    </svg>
    <p class="chart-span" aria-hidden="true">
      <span>${formatShortMoment(first.at, language)}</span>
      <span>${formatShortMoment(last.at, language)}</span>
    </p>
    <details>
      <summary>${t('seller.chart.asATable')}</summary>
      ${table({
        caption: `${title} (WIB)`,
        rows: thinOut(points),
        columns: [
          { head: t('common.time'), cell: ({ at }) => formatShortMoment(at, language) },
          { head: 'Slot', isNumber: true, cell: ({ slots }) => formatCount(slots, language) },
        ],
      })}
    </details>
  </figure>`;
}

/** Returns evenly spaced points, including the first and the last one. */
function thinOut(points: readonly SlotsAt[]): SlotsAt[] {
  const step = Math.max(1, (points.length - 1) / (tableRows - 1));
  const indexes = new Set(
    Array.from({ length: tableRows }, (_, index) =>
      Math.min(points.length - 1, Math.round(index * step)),
    ),
  );
  return [...indexes].map((index) => points[index]!);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
