import type { Language } from '../../../../protocol/pages/language.ts';

/** What our own messages say. Titles, subjects and texts of campaigns are the marketer's, in whatever language. */
export type Words = {
  readonly language: Language;
  proofSms(about: { proof: string; minutes: number; title: string }): string;
  proofSubject(proof: string): string;
  proofText(about: { proof: string; minutes: number; title: string }): string;
  couponSms(about: { title: string; link: string }): string;
  reminderSms(about: { title: string; until: string; link: string }): string;
  reminderSubject(about: { title: string; until: string }): string;
  readonly couponIsYours: string;
  until(date: string): string;
  readonly showIt: string;
  readonly openIt: string;
  readonly onlyYours: string;
  readonly noMore: string;
  readonly help: string;
  readonly stopped: string;
  readonly started: string;
  readonly noneLeft: string;
  readonly noneToday: string;
  readonly ended: string;
  readonly unsubscribe: UnsubscribeWords;
};

export type UnsubscribeWords = {
  readonly title: string;
  readonly question: string;
  readonly button: string;
  readonly done: string;
  readonly coupons: string;
  readonly noLink: string;
};
