import type { Words } from './words.ts';

export const de: Words = {
  language: 'de',
  proofSms: ({ proof, minutes, title }) => `${proof} ist Ihr Code für ${title}. Er gilt ${minutes} Minuten.`,
  proofSubject: (proof) => `${proof} ist Ihr Code`,
  proofText: ({ proof, minutes, title }) =>
    `${proof} ist Ihr Code für ${title}. Er gilt ${minutes} Minuten. Nicht angefordert? Dann tun Sie nichts.`,
  couponSms: ({ title, link }) => `${title}: ${link} Ende mit STOP`,
  reminderSms: ({ title, until, link }) => `Nur bis ${until}: ${title} ${link} Ende mit STOP`,
  reminderSubject: ({ title, until }) => `${title}: nur bis ${until}`,
  couponIsYours: 'Dieser Coupon gehört Ihnen.',
  until: (date) => `Gültig bis ${date}.`,
  showIt: 'Zeigen Sie diesen Strichcode an der Kasse, oder geben Sie den Code im Warenkorb ein.',
  openIt: 'Coupon öffnen',
  onlyYours: 'Er gilt einmal. Behalten Sie diese Nachricht für sich.',
  noMore: 'Keine solchen Nachrichten mehr',
  help: 'Senden Sie uns das Wort eines Angebots, und Sie bekommen Ihren Coupon. STOP: keine Nachrichten mehr. ANMELDEN: wieder Nachrichten.',
  stopped: 'Sie bekommen keine Nachrichten mehr von uns. Mit ANMELDEN bekommen Sie sie wieder.',
  started: 'Sie bekommen wieder Nachrichten von uns. Mit STOP enden sie.',
  noneLeft: 'Alle Coupons dieses Angebots sind vergeben. Verbraucht wurde nichts.',
  noneToday: 'Heute gibt es keine Coupons dieses Angebots mehr. Morgen wieder.',
  ended: 'Dieses Angebot ist beendet.',
  unsubscribe: {
    title: 'Nachrichten von uns',
    question: 'Keine Nachrichten mehr an diese Adresse?',
    button: 'Keine Nachrichten mehr',
    done: 'Erledigt. An diese Adresse kommen keine Nachrichten mehr.',
    coupons: 'Coupons, die Sie haben, bleiben gültig.',
    noLink: 'Dieser Link geht nicht. Öffnen Sie ihn aus Ihrer eigenen Nachricht.',
  },
};
