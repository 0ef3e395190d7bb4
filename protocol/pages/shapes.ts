/** The shapes of the states, as paths of an SVG of 24 by 24. A word stands beside each, so that a screen reader passes over it. */
export const shapes = {
  good: '<path fill-rule="evenodd" d="M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22Zm6.2 8-7.6 8.4L5.8 13l1.7-1.9 2.9 2.7 5.9-6.5L18.2 9Z"/>',
  redeemed:
    '<path d="M2 5h9l-1.500 2.300L11 9.500 9.500 12l1.500 2.500-1.500 2.300L11 19H2V5Zm12 1.500 8 .9-1.300 12.500-8-.8 1.700-2-1.200-2.500 1.600-2.300-1.200-2.400 1.600-2.200-1.200-1.200Z"/>',
  refused:
    '<path fill-rule="evenodd" d="M7.6 1h8.8L23 7.6v8.8L16.4 23H7.6L1 16.4V7.6L7.6 1Zm9 8.3-1.9-1.9-2.7 2.7-2.7-2.7-1.9 1.9 2.7 2.7-2.7 2.7 1.9 1.9 2.7-2.7 2.7 2.7 1.9-1.9-2.7-2.7 2.7-2.7Z"/>',
  unsure:
    '<path fill-rule="evenodd" d="M12 .4 23.6 12 12 23.6.4 12 12 .4Zm-1.3 15.7v2.4h2.6v-2.4h-2.6Zm-2.6-6.4h2.5c0-1 .6-1.6 1.5-1.6.8 0 1.4.5 1.4 1.2 0 .8-.5 1.2-1.2 1.7-.9.6-1.5 1.2-1.5 2.5v.9h2.4v-.6c0-.7.4-1 1.2-1.6.9-.6 1.6-1.4 1.6-2.8 0-2-1.6-3.4-3.9-3.4-2.4 0-4 1.500-4 3.700Z"/>',
  reserved:
    '<path fill-rule="evenodd" d="M5 2h14a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V5a3 3 0 0 1 3-3Zm3 5v10h3V7H8Zm5 0v10h3V7h-3Z"/>',
  up: '<path d="M4 9a3 3 0 0 1 2.800 2h10.400a3 3 0 1 1 0 2H6.800A3 3 0 1 1 4 9Z"/>',
  down: '<path d="M1 10.500h7.500v3H1zM15.500 10.500H23v3h-7.500zM9.600 6.500l2 4.200-1.400.7-2-4.200 1.400-.7ZM14.400 17.500l-2-4.200 1.400-.7 2 4.200-1.400.7Z"/>',
  drill:
    '<path fill-rule="evenodd" d="M12 1.500 23.500 22H.5L12 1.500Zm-4 10.200v2.200h2.800V20h2.400v-6.100H16v-2.200H8Z"/>',
  early: '<path fill-rule="evenodd" d="M6 1h3v3h6V1h3v3h4v18H2V4h4V1Zm-1 8v10h14V9H5Zm2 2h4v4H7v-4Z"/>',
} as const;
export type Shape = keyof typeof shapes;
