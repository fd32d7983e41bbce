import { Draw } from '../support/random.ts';

export type Language = 'english' | 'spanish' | 'czech';

const sentences: Readonly<Record<Language, readonly [string, ...string[]]>> = {
  english: [
    'The founder has until Friday to decide whether the second plant is worth its price.',
    'Compare the two suppliers on cost, delivery and the risk that either of them fails.',
    'Your margin fell by four points in spring; explain to the board where they went.',
    'Ask the customer what she tried before she called, and write down her own words.',
    'A good summary names the problem, the evidence, and one step that can be taken today.',
    'Use the passive voice when the action matters more than the person behind it.',
    'In groups of three, prepare a short presentation about safety rules in your warehouse.',
    'The negotiation stalled because neither side had written down what it could give up.',
    'Choose the word that fits the sentence, then say why the other three do not.',
    'Most of the delay comes from waiting for approval, not from the work itself.',
    'She was persuaded by the figures, although the story behind them was thin.',
    'Before you answer, repeat the question in your own words and check that it is the right one.',
  ],
  spanish: [
    'Después de una expresión de duda el verbo cambia al subjuntivo.',
    'Fíjate en el sujeto: cuando hay dos personas distintas, aparece la palabra que.',
    'Muy bien pensado; solo falta cambiar la vocal de la terminación.',
    'Recuerda que los verbos en -ar toman -e, y los verbos en -er y -ir toman -a.',
    'El disparador expresa un deseo, y por eso no se usa el indicativo.',
    'Prueba a decir la frase en voz alta antes de escribirla.',
    'Este verbo es irregular en la primera persona, y la raíz cambia en todas.',
    'Vas por buen camino: repasa las formas de ir y ser, que comparten el pasado.',
    'Cuando la acción ya ha ocurrido, vuelve el indicativo.',
    'Practica diez frases al día durante una semana y verás la diferencia.',
  ],
  czech: [
    'Ahoj! To je skvělé, že ses dneska zase přihlásil, pojďme na to.',
    'Tady pozor: po předložce bez píšeme druhý pád.',
    'Moc hezká věta, jenom bych řekl radši jdu do obchodu než jdu v obchod.',
    'A co jsi dělal o víkendu? Byl jsi někde venku, nebo jsi zůstal doma?',
    'V hospodě se obvykle platí až na konci, když řeknete zaplatím.',
    'Slovo kdyby se nikdy nepíše dohromady s jsem, ale kdybych ano.',
    'Výborně, úroveň máš čím dál lepší a chyb je méně než minulý týden.',
    'Zkus to říct ještě jednou a dej si pozor na délku samohlásek.',
    'Praha je krásná i v dešti, hlavně když si dáte dobrý čaj.',
    'Správně je oba dva přišli pozdě, protože jde o lidi.',
  ],
};

const texts = new Map<Language, string>();

/** A text of about `length` characters, cut between words. */
export function prose(draw: Draw, language: Language, length: number): string {
  const text = longTextIn(language);
  const start = text.indexOf(' ', draw.below(text.length - length - 200)) + 1;
  return text.slice(start, Math.max(text.lastIndexOf(' ', start + length), start + 1));
}

function longTextIn(language: Language): string {
  const known = texts.get(language);
  if (known !== undefined) return known;
  const draw = new Draw(0, language);
  const text = Array.from({ length: 3000 }, () => draw.pick(sentences[language])).join(' ');
  texts.set(language, text);
  return text;
}
