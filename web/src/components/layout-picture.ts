// What a film of each layout looks like, drawn small.
import { svg, html, type SVGTemplateResult, type TemplateResult } from 'lit';
import type { Layout } from '../recording';

const screen = (x: number, y: number, width: number, height: number): SVGTemplateResult =>
  svg`<rect class="screen" x=${x} y=${y} width=${width} height=${height} rx="2" />`;

const person = (x: number, y: number, width: number, height: number): SVGTemplateResult => {
  const [middle, head] = [x + width / 2, Math.min(width, height) / 6];
  const shoulders = y + height - 1;
  return svg`<rect class="person" x=${x} y=${y} width=${width} height=${height} rx="2" />
    <circle class="face" cx=${middle} cy=${y + height * 0.4} r=${head} />
    <path
      class="face"
      d="M${middle - head * 1.9} ${shoulders}a${head * 1.9} ${head * 1.7} 0 0 1 ${head * 3.8} 0z"
    />`;
};

const pictures: Record<Layout, () => SVGTemplateResult> = {
  beside: () =>
    svg`${screen(4, 4, 68, 46)}${person(75, 4, 17, 13.5)}${person(75, 20.25, 17, 13.5)}${person(75, 36.5, 17, 13.5)}`,
  screen: () => screen(4, 4, 88, 46),
  speaker: () =>
    svg`${person(4, 4, 68, 46)}${person(75, 4, 17, 13.5)}${screen(75, 20.25, 17, 13.5)}${person(75, 36.5, 17, 13.5)}`,
  grid: () =>
    svg`${screen(4, 4, 42.5, 21.5)}${person(49.5, 4, 42.5, 21.5)}${person(4, 28.5, 42.5, 21.5)}${person(49.5, 28.5, 42.5, 21.5)}`,
};

/** Coloured by `.screen`, `.person` and `.face` of whoever shows it. */
export function layoutPicture(layout: Layout): TemplateResult {
  return html`<svg class="layout" viewBox="0 0 96 54" aria-hidden="true">${pictures[layout]()}</svg>`;
}
