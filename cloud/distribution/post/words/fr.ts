import type { Words } from './words.ts';

export const fr: Words = {
  language: 'fr',
  proofSms: ({ proof, minutes, title }) => `${proof} : votre code pour ${title}. Valable ${minutes} minutes.`,
  proofSubject: (proof) => `${proof} : votre code`,
  proofText: ({ proof, minutes, title }) =>
    `${proof} est votre code pour ${title}. Il est valable ${minutes} minutes. Vous ne l'avez pas demandé ? Alors ne faites rien.`,
  couponSms: ({ title, link }) => `${title} : ${link} STOP pour ne plus recevoir`,
  reminderSms: ({ title, until, link }) => `Jusqu'au ${until} : ${title} ${link} STOP pour ne plus recevoir`,
  reminderSubject: ({ title, until }) => `${title} : jusqu'au ${until}`,
  couponIsYours: 'Ce bon est à vous.',
  until: (date) => `Valable jusqu'au ${date}.`,
  showIt: 'Montrez ce code-barres à la caisse, ou saisissez le code dans le panier en ligne.',
  openIt: 'Ouvrir votre bon',
  onlyYours: 'Il marche une seule fois. Gardez ce message pour vous.',
  noMore: 'Ne plus recevoir ces messages',
  help: "Envoyez-nous le mot d'une offre pour recevoir votre bon. STOP : plus de messages. REPRENDRE : les recevoir de nouveau.",
  stopped: 'Vous ne recevrez plus nos messages. Répondez REPRENDRE pour les recevoir de nouveau.',
  started: 'Vous recevez de nouveau nos messages. Répondez STOP pour ne plus les recevoir.',
  noneLeft: "Tous les bons de cette offre sont pris. Rien n'a été utilisé.",
  noneToday: "Plus de bons de cette offre aujourd'hui. Revenez demain.",
  ended: 'Cette offre est terminée.',
  unsubscribe: {
    title: 'Nos messages',
    question: 'Ne plus recevoir de messages à cette adresse ?',
    button: 'Plus de messages',
    done: "C'est fait. Vous ne recevrez plus de messages à cette adresse.",
    coupons: 'Les bons que vous avez restent valables.',
    noLink: 'Ce lien ne marche pas. Ouvrez-le depuis votre propre message.',
  },
};
