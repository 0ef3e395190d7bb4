import type { Words } from './words.ts';

export const en: Words = {
  language: 'en',
  proofSms: ({ proof, minutes, title }) => `${proof} is your code for ${title}. Good for ${minutes} minutes.`,
  proofSubject: (proof) => `${proof} is your code`,
  proofText: ({ proof, minutes, title }) =>
    `${proof} is your code for ${title}. It is good for ${minutes} minutes. You did not ask for it? Then do nothing.`,
  couponSms: ({ title, link }) => `${title}: ${link} Reply STOP to end`,
  reminderSms: ({ title, until, link }) => `Ends ${until}: ${title} ${link} Reply STOP to end`,
  reminderSubject: ({ title, until }) => `${title} ends ${until}`,
  couponIsYours: 'This coupon is yours.',
  until: (date) => `Good until ${date}.`,
  showIt: 'Show this barcode at the till, or type the code into the online cart.',
  openIt: 'Open your coupon',
  onlyYours: 'It works once. Keep this message to yourself.',
  noMore: 'No more of these messages',
  help: 'Text us the word of an offer and get your coupon. Reply STOP to end all messages, START to get them again.',
  stopped: 'You get no more messages from us. Reply START to get them again.',
  started: 'You get our messages again. Reply STOP to end them.',
  noneLeft: 'All coupons of this offer are taken. Nothing was used up.',
  noneToday: 'No more coupons of this offer today. Text us again tomorrow.',
  ended: 'This offer has ended.',
  unsubscribe: {
    title: 'Messages from us',
    question: 'Get no more messages at this address?',
    button: 'No more messages',
    done: 'Done. You get no more messages at this address.',
    coupons: 'Coupons that you have stay good.',
    noLink: 'This link does not work. Open it from your own message.',
  },
};
