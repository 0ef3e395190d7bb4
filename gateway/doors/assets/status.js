import { follow, put } from './live.js';

follow(
  '/status/events',
  ({ parts }) => put(parts),
  () => {
    const time = document.querySelector('#clock time');
    time.textContent = `Not live since ${time.textContent}`;
  },
);
