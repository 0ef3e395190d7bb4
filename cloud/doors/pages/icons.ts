import { html, raw } from 'hono/html';
import { type Shape, shapes } from '../../../protocol/pages/shapes.ts';
import type { Html } from './document.ts';

/** A word stands beside each, so that a screen reader passes over it. */
export const icon = (shape: Shape): Html =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${raw(shapes[shape])}</svg>`;

export const stateIcon = (shape: Shape): Html =>
  html`<svg class="coupon__stateicon" viewBox="0 0 24 24" aria-hidden="true">${raw(shapes[shape])}</svg>`;
