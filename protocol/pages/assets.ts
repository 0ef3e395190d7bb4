/** What the pages of both sides load: files of `assets/`, and fonts. */
export const PAGE_ASSETS = [
  'tokens.css',
  'components.css',
  'icon.svg',
  ...['above', 'below', 'left', 'right'].map((side) => `torn-${side}.svg`),
];

/** SIL OFL 1.1, as the packages carry them. The style sheet names them by these paths. */
export const FONTS = {
  'fonts/hanken-grotesk-latin-wght-normal.woff2':
    '@fontsource-variable/hanken-grotesk/files/hanken-grotesk-latin-wght-normal.woff2',
  'fonts/atkinson-hyperlegible-mono-latin-wght-normal.woff2':
    '@fontsource-variable/atkinson-hyperlegible-mono/files/atkinson-hyperlegible-mono-latin-wght-normal.woff2',
} as const;

/** Content types, by how a file's name ends. */
export const ASSET_TYPES = [
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.woff2', 'font/woff2'],
] as const;
