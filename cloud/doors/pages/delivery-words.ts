import type { MessageState } from '../../distribution/post/message-rules.ts';
import type { Progress } from '../../distribution/post/deliveries.ts';
import type { Trouble } from '../../distribution/post/dispatcher.ts';
import type { PostChannel } from '../../distribution/post/store.ts';
import type { Shape } from '../../../protocol/pages/shapes.ts';
import type { Times } from '../../../protocol/pages/times.ts';

/** What the page of a delivery says, in English alone: it is the marketer's. */

export type Verdict = {
  readonly look: 'good' | 'unsure' | 'refused' | 'offline' | 'reserved';
  readonly shape: Shape;
  readonly word: string;
  readonly why: string;
};

export type DeliveryFacts = {
  readonly progress: Progress;
  /** What its messages are about. */
  readonly title: string;
  readonly trouble: Trouble;
  readonly times: Times;
};

/** One part of all messages of a delivery. Each message is in one of them. */
export type Part = {
  readonly key: string;
  readonly name: string;
  readonly messages: number;
  readonly note: string;
};

export const numberOf = (count: number): string => count.toLocaleString('en-US');

/** `one mail`, `41,200 mails` */
export function countOf(count: number, channel: PostChannel): string {
  const thing = channel === 'email' ? 'mail' : 'text';
  return count === 1 ? `one ${thing}` : `${numberOf(count)} ${thing}s`;
}

export const toGo = ({ counts }: Progress): number => (counts.queued ?? 0) + (counts.sending ?? 0);
export const total = ({ counts }: Progress): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

export function verdictOf({ progress, trouble, times }: DeliveryFacts): Verdict {
  const { delivery, counts } = progress;
  const left = toGo(progress);
  const held = heldOver(progress);
  if (delivery.pausedAt !== null)
    return {
      ...{ look: 'offline', shape: 'reserved', word: 'Stopped' },
      why: `Since ${times.short(delivery.pausedAt)}. ${left === 0 ? 'Nothing was left to send.' : `${upper(countOf(left, delivery.channel))} wait and are not sent until you go on.`}`,
    };
  if (delivery.state === 'done') return { ...doneLook(counts), word: 'Done', why: doneWhy(progress) };
  if (trouble !== null)
    return {
      ...{ look: 'unsure', shape: 'unsure', word: 'Waiting for the provider' },
      why: `Since ${times.short(trouble.since)} it takes nothing (${troubleWords(trouble.reason)}). Nothing is lost: it is tried again by itself.`,
    };
  switch (delivery.state) {
    case 'listing':
      return {
        look: 'reserved',
        shape: 'early',
        word: 'Reading the list',
        why: 'Nothing is sent before all of it is read.',
      };
    case 'queueing':
      return total(progress) === 0
        ? { look: 'reserved', shape: 'early', word: 'Not begun yet', why: startWhy(progress, times) }
        : { look: 'good', shape: 'up', word: 'Sending', why: 'Recipients are still being added: the totals grow.' };
    case 'running':
      return held > 0 && held === left
        ? {
            look: 'reserved',
            shape: 'early',
            word: 'Waiting',
            why: 'All that is left waits for its hour and goes out by itself.',
          }
        : { look: 'good', shape: 'up', word: 'Sending', why: 'It goes on by itself, also when this page is closed.' };
  }
}

const doneLook = ({ unknown = 0 }: Progress['counts']): Pick<Verdict, 'look' | 'shape'> =>
  unknown > 0 ? { look: 'unsure', shape: 'unsure' } : { look: 'good', shape: 'good' };

function doneWhy({ counts: { unknown = 0 }, delivery }: Progress): string {
  if (unknown === 0) return 'Nothing is left to send.';
  return `Nothing is left to send. Of ${countOf(unknown, delivery.channel)} nobody knows whether ${unknown === 1 ? 'it' : 'they'} went out.`;
}

function startWhy({ delivery: { starts } }: Progress, times: Times): string {
  if ('at' in starts) return `It begins ${times.withDay(starts.at)}.`;
  return `It begins ${starts.daysBefore === 1 ? 'one day' : `${starts.daysBefore} days`} before the campaign ends.`;
}

/** Those that wait for an hour, by day or under a cap, rather than for their turn. */
const heldOver = (progress: Progress): number =>
  because(progress, 'queued', 'quiet_hours') + because(progress, 'queued', 'none_left_today');

const because = ({ reasons }: Progress, state: MessageState, ...words: readonly string[]): number =>
  reasons
    .filter((row) => row.state === state && words.includes(row.reason))
    .reduce((sum, row) => sum + row.messages, 0);

/** In the order of a message's way. */
export function partsOf(progress: Progress): Part[] {
  const { counts, delivery } = progress;
  const { delivered = 0, accepted = 0, bounced = 0, failed = 0, unknown = 0, suppressed = 0 } = counts;
  const quiet = because(progress, 'queued', 'quiet_hours');
  const capped = because(progress, 'queued', 'none_left_today');
  const unasked = because(progress, 'suppressed', 'no_consent', 'consent_withdrawn');
  const mail = delivery.channel === 'email';
  return [
    { key: 'delivered', name: 'Delivered', messages: delivered, note: 'The provider reports that it arrived.' },
    {
      key: 'sent',
      name: 'Sent',
      messages: accepted,
      note: mail
        ? 'The mail server took it. Most servers report only what bounces.'
        : 'The provider took it. Its report is still to come.',
    },
    { key: 'waiting', name: 'Queued', messages: toGo(progress) - quiet - capped, note: 'Waits for its turn.' },
    {
      key: 'held',
      name: 'Held for quiet hours',
      messages: quiet,
      note: `Goes out by itself when it is ${quietEnd(progress)} where its recipient lives.`,
    },
    {
      key: 'held',
      name: 'Held for the day’s limit',
      messages: capped,
      note: 'The campaign gives out no more coupons today. Tried again each hour.',
    },
    { key: 'unknown', name: 'Unknown', messages: unknown, note: unknownNote(progress) },
    { key: 'bounced', name: 'Bounced', messages: bounced, note: 'There is nobody at that address.' },
    { key: 'failed', name: 'Failed', messages: failed, note: 'The provider will not take it, or was tried ten times.' },
    {
      key: 'unasked',
      name: 'Without consent',
      messages: unasked,
      note: 'Has not agreed to such messages, or no longer. Nothing is sent.',
    },
    { key: 'passed', name: 'Passed over', messages: suppressed - unasked, note: passedNote(progress) },
  ];
}

function quietEnd({ delivery: { quiet } }: Progress): string {
  if (quiet === null) return 'day';
  return `${Math.floor(quiet.toMinute / 60)}:${String(quiet.toMinute % 60).padStart(2, '0')}`;
}

function unknownNote({ delivery: { onUnknown } }: Progress): string {
  const what = 'The line broke before the answer: it may have gone out or not.';
  return onUnknown === 'leave'
    ? `${what} This delivery leaves it so: nobody is written to twice.`
    : `${what} It is sent again after ten minutes: some may get it twice.`;
}

function passedNote({ reasons }: Progress): string {
  const words = reasons.flatMap(({ state, reason, messages }) => {
    const why = state === 'suppressed' ? passedWords[reason] : undefined;
    return why === undefined ? [] : [`${why} ${numberOf(messages)}`];
  });
  return words.length === 0 ? 'There was nothing to send them.' : `${upper(words.join(', '))}.`;
}

const passedWords: Readonly<Record<string, string>> = {
  no_address: 'no address',
  no_coupon: 'no coupon',
  none_left: 'no coupon left',
  redeemed: 'redeemed already',
  voided: 'coupon voided',
  ended: 'campaign ended',
  expired: 'too late',
  not_set_up: 'channel not set up',
  defect: 'could not be written',
};

function troubleWords(reason: string): string {
  if (/_no_connection$/.test(reason)) return 'no connection';
  if (/_no_answer$/.test(reason)) return 'no answer';
  return `it answers ${reason.replace(/^(smtp|sms)_/, '')}`;
}

/** `2 h 5 min`, `40 s`; null: nobody can tell. */
export function lasting(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
