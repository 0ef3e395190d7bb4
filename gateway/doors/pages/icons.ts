import { html, raw } from 'hono/html';
import { type Shape, shapes } from '../../../protocol/pages/shapes.ts';
import type { Html } from './document.ts';

export function icon(shape: Shape, tone: '' | ' icon--good' | ' icon--reserved' | ' icon--unsure' = ''): Html {
  return html`<svg class="icon${tone}" viewBox="0 0 24 24" aria-hidden="true">${raw(shapes[shape])}</svg>`;
}

/** The same, read at one metre. */
export function largeIcon(shape: Shape): Html {
  return html`<svg class="decision__shape" viewBox="0 0 24 24" aria-hidden="true">${raw(shapes[shape])}</svg>`;
}

/** A whole ticket: nothing is decided yet. */
export const ticketIcon = raw(
  '<svg class="decision__shape" viewBox="0 0 150 76" aria-hidden="true"><path fill="none" stroke="currentColor" stroke-width="5" stroke-linejoin="round" d="M8 4h88a9 9 0 0 0 18 0h28a4 4 0 0 1 4 4v60a4 4 0 0 1-4 4h-28a9 9 0 0 0-18 0H8a4 4 0 0 1-4-4V8a4 4 0 0 1 4-4Z"/><path fill="none" stroke="currentColor" stroke-width="5" stroke-linecap="round" stroke-dasharray=".1 10" d="M105 23v34"/><path fill="currentColor" d="M22 22h5v32h-5zM32 22h9v32h-9zM46 22h4v32h-4zM55 22h4v32h-4zM64 22h9v32h-9zM78 22h4v32h-4z"/></svg>',
);
