import type { Words } from './words.ts';

export const es: Words = {
  language: 'es',
  proofSms: ({ proof, minutes, title }) => `${proof} es su clave para ${title}. Vale ${minutes} minutos.`,
  proofSubject: (proof) => `${proof} es su código`,
  proofText: ({ proof, minutes, title }) =>
    `${proof} es su código para ${title}. Vale ${minutes} minutos. ¿No lo ha pedido? Entonces no haga nada.`,
  couponSms: ({ title, link }) => `${title}: ${link} BAJA para terminar`,
  reminderSms: ({ title, until, link }) => `Termina el ${until}: ${title} ${link} BAJA para terminar`,
  reminderSubject: ({ title, until }) => `${title}: termina el ${until}`,
  couponIsYours: 'Este cupón es suyo.',
  until: (date) => `Válido hasta el ${date}.`,
  showIt: 'Muestre este código de barras en la caja o escriba el código en el carrito en línea.',
  openIt: 'Abrir su cupón',
  onlyYours: 'Funciona una sola vez. No comparta este mensaje.',
  noMore: 'No recibir más mensajes',
  help: 'Mande la palabra de una oferta y reciba su vale. BAJA: no recibir mensajes. ALTA: recibirlos de nuevo.',
  stopped: 'No va a recibir mensajes nuestros. Responda ALTA para recibirlos de nuevo.',
  started: 'Va a recibir de nuevo nuestros mensajes. Responda BAJA para no recibirlos.',
  noneLeft: 'Ya no quedan cupones de esta oferta. No se ha gastado nada.',
  noneToday: 'Por hoy no quedan cupones de esta oferta. Mande la palabra de nuevo otra fecha.',
  ended: 'Esta oferta ha terminado.',
  unsubscribe: {
    title: 'Nuestros mensajes',
    question: '¿No recibir más mensajes en esta dirección?',
    button: 'No recibir más mensajes',
    done: 'Hecho. No recibirá más mensajes en esta dirección.',
    coupons: 'Los cupones que ya tiene siguen siendo válidos.',
    noLink: 'Este enlace no funciona. Ábralo desde su propio mensaje.',
  },
};
